"""The report page: a single HTML file without external resources."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from clcap_cli import __version__
from clcap_cli.datasets.records import ImageId
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.comparability import are_comparable, comparability_warnings, ranked_alike
from clcap_cli.reporting.cross_ranking import EXPLANATION
from clcap_cli.reporting.experiments import Experiments
from clcap_cli.reporting.image_sources import ImageSources
from clcap_cli.reporting.plot_style import Plot
from clcap_cli.reporting.plots import line_styles
from clcap_cli.reporting.runs import ImageResult, Run, image_warnings
from clcap_cli.reporting.tables import Table, run_tables

HEADLINE_METRICS = ("R@1", "mean_rank", "CIDEr", "unique_captions")
"""Metrics at the top of the page, if both runs have them."""
MAX_RUNS_PER_IMAGE = 6
"""Largest number of runs whose captions are all shown; with more runs, the page shows two selected ones."""


@dataclass(frozen=True)
class MetricChange:
    """The change of a metric from the first to the last run."""

    metric: MetricInfo
    before: str
    """Value of the first run; empty if there is only one run."""
    after: str
    """Value of the last run."""
    improved: bool | None
    """Whether the value improved; None if it is equal, or if neither direction is better."""
    intervals_overlap: bool
    """Whether the 95% intervals overlap, so that the change may be due to chance."""


def render(
    runs: Sequence[Run],
    plots: Sequence[Plot],
    image_sources: ImageSources,
    thumbnails: Mapping[ImageId, str],
    experiments: Experiments,
    crossed: Sequence[Table] = (),
) -> str:
    """Render the page as text; ``thumbnails`` are WebP files in base64 and ``crossed`` the cross-ranking tables.

    The page starts with the tables of ``experiments``, and shows captions of their example runs only.
    """
    script = _read_resource("page.js")
    shown = [run for run in experiments.examples if run.images]
    styles = line_styles(experiments.examples)
    tables = run_tables(runs)
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return page.from_string(_read_resource("page.html.j2")).render(
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=Markup(_read_resource("page.css")),
        data=Markup(page_data(shown, styles, image_sources, thumbnails)),
        version=__version__,
        created=datetime.now(UTC),
        runs=runs,
        shown=shown,
        max_runs=MAX_RUNS_PER_IMAGE,
        after=1 if len(shown) > MAX_RUNS_PER_IMAGE else len(shown) - 1,
        colours={run.name: styles.get(run.name, ("transparent", ""))[0] for run in runs},
        experiments=experiments.tables,
        marks_best=_marks_best,
        tables=tables,
        crossed=crossed,
        crossed_explanation=EXPLANATION,
        changes=[] if experiments.tables else _changes(runs, [metric for table in tables for metric in table.metrics]),
        compared=_first_and_last(runs),
        plots=plots,
        images=len({id for run in shown for id in run.images}),
        warnings=[*image_warnings(runs), *comparability_warnings(runs)],
    )


def page_data(
    runs: Sequence[Run],
    styles: Mapping[str, tuple[str, str]],
    image_sources: ImageSources,
    thumbnails: Mapping[ImageId, str],
) -> str:
    """The data of the page's script, as JSON that is safe inside a script element.

    ``images`` has for each image its id, file name, thumbnail, references, and for each run the caption, its rank, the
    number of tied images, CIDEr, and the id of another image that it ranks first; unknown values are null. ``pairs``
    tells whether only two runs are shown at a time. ``comparable`` tells of each run whether it was ranked like each of
    the others.
    """
    ids = dict.fromkeys(id for run in runs for id in run.images)
    images = [
        [
            id,
            image_sources.names.get(id),
            thumbnails.get(id),
            image_sources.references.get(id, []),
            [_result(run.images.get(id)) for run in runs],
        ]
        for id in ids
    ]
    run_records = [
        {
            "name": run.name,
            "colour": styles[run.name][0],
            "pool": run.pool,
            "comparable": [ranked_alike([run, other]) for other in runs],
        }
        for run in runs
    ]
    content = {"runs": run_records, "images": images, "pairs": len(runs) > MAX_RUNS_PER_IMAGE}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _result(image: ImageResult | None) -> list[str | float | None] | None:
    if image is None:
        return None
    cider = None if image.cider is None else round(image.cider, 3)
    return [image.caption, image.rank, image.tied, cider, image.mistaken_for]


def _first_and_last(runs: Sequence[Run]) -> list[str]:
    """The names of the first and the last run with metrics; fewer if there are fewer such runs."""
    measured = [run.name for run in runs if run.metrics]
    return [measured[0], measured[-1]] if len(measured) > 1 else measured


def _changes(runs: Sequence[Run], metrics: Sequence[MetricInfo]) -> list[MetricChange]:
    """The changes of the headline metrics, where comparable, from the first to the last run with metrics."""
    measured = [run for run in runs if run.metrics]
    if not measured:
        return []
    known = {metric.name: metric for metric in metrics}
    first, last = measured[0], measured[-1]
    return [
        _change(known[name], None if first is last else first, last)
        for name in HEADLINE_METRICS
        if name in first.metrics and name in last.metrics and are_comparable(name, [first, last])
    ]


def _change(metric: MetricInfo, first: Run | None, last: Run) -> MetricChange:
    after = last.metrics[metric.name]
    if first is None:
        return MetricChange(metric, "", metric.formatted(after), None, False)
    before = first.metrics[metric.name]
    improvement = metric.direction * (after - before)
    overlap = _overlap(first.intervals.get(metric.name), last.intervals.get(metric.name))
    return MetricChange(
        metric, metric.formatted(before), metric.formatted(after), improvement > 0 if improvement else None, overlap
    )


def _marks_best(tables: Sequence[Table]) -> bool:
    """Whether any value of the tables is marked as the best of its column."""
    return any(cell.best for table in tables for _, cells in table.rows for cell in cells)


def _overlap(first: tuple[float, float] | None, last: tuple[float, float] | None) -> bool:
    return first is not None and last is not None and max(first[0], last[0]) <= min(first[1], last[1])


def _read_resource(name: str) -> str:
    return (files("clcap_cli.reporting") / name).read_text(encoding="utf-8")
