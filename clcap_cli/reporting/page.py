"""The page: one HTML file that needs nothing else."""

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
from clcap_cli.reporting.experiments import Experiments
from clcap_cli.reporting.image_sources import ImageSources
from clcap_cli.reporting.plot_style import Plot
from clcap_cli.reporting.plots import style_of
from clcap_cli.reporting.runs import ImageResult, Run, image_warnings
from clcap_cli.reporting.tables import run_tables

FIRST = ("R@1", "mean_rank", "CIDEr", "unique_captions")
"""The metrics that the page opens with, where they are known."""
MANY = 6
"""Runs of which all captions can be read below each other; of more, two at a time are shown."""


@dataclass(frozen=True)
class Change:
    """A metric of the first and of the last run."""

    metric: MetricInfo
    before: str
    """Empty where there is one run."""
    after: str
    gained: bool | None
    """Whether it became better; None where it stayed, or where neither way is better."""
    overlap: bool
    """Whether the two 95% intervals overlap, so that the change may be chance."""


def render(
    runs: Sequence[Run],
    plots: Sequence[Plot],
    image_sources: ImageSources,
    pictures: Mapping[ImageId, str],
    experiments: Experiments,
) -> str:
    """The whole page as text; ``pictures`` are WebP files in base64.

    The page opens with the tables of ``experiments``; captions are shown of their examples alone.
    """
    script = _part("page.js")
    shown = [run for run in experiments.examples if run.images]
    styles = style_of(experiments.examples)
    tables = run_tables(runs)
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return page.from_string(_part("page.html.j2")).render(
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=Markup(_part("page.css")),
        data=Markup(page_data(shown, styles, image_sources, pictures)),
        version=__version__,
        made=datetime.now(UTC),
        runs=runs,
        shown=shown,
        many=MANY,
        after=1 if len(shown) > MANY else len(shown) - 1,
        colours={run.name: styles.get(run.name, ("transparent", ""))[0] for run in runs},
        experiments=experiments.tables,
        tables=tables,
        changes=[] if experiments.tables else _changes(runs, [metric for table in tables for metric in table.metrics]),
        compared=_compared(runs),
        plots=plots,
        images=len({id for run in shown for id in run.images}),
        warnings=image_warnings(runs),
    )


def page_data(
    runs: Sequence[Run],
    styles: Mapping[str, tuple[str, str]],
    image_sources: ImageSources,
    pictures: Mapping[ImageId, str],
) -> str:
    """What the page's script shows, as JSON that can stand inside a script element.

    ``images`` has, for each image, its id, file name, picture, references, and for each run its caption, rank, number
    of tied images and CIDEr; null for whatever is not known. ``pairs``: captions are shown of two runs at a time.
    """
    ids = dict.fromkeys(id for run in runs for id in run.images)
    images = [
        [
            id,
            image_sources.names.get(id),
            pictures.get(id),
            image_sources.references.get(id, []),
            [_result(run.images.get(id)) for run in runs],
        ]
        for id in ids
    ]
    named = [{"name": run.name, "colour": styles[run.name][0], "pool": run.pool} for run in runs]
    content = {"runs": named, "images": images, "pairs": len(runs) > MANY}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _result(image: ImageResult | None) -> list[str | float | None] | None:
    if image is None:
        return None
    return [image.caption, image.rank, image.tied, None if image.cider is None else round(image.cider, 3)]


def _compared(runs: Sequence[Run]) -> list[str]:
    """The first and the last run that have metrics, or the only one."""
    measured = [run.name for run in runs if run.metrics]
    return [measured[0], measured[-1]] if len(measured) > 1 else measured


def _changes(runs: Sequence[Run], metrics: Sequence[MetricInfo]) -> list[Change]:
    """How the metrics that matter most went from the first to the last run that has any."""
    measured = [run for run in runs if run.metrics]
    known = {metric.name: metric for metric in metrics}
    first, last = measured[0], measured[-1]
    return [
        _change(known[name], None if first is last else first, last)
        for name in FIRST
        if name in first.metrics and name in last.metrics
    ]


def _change(metric: MetricInfo, first: Run | None, last: Run) -> Change:
    after = last.metrics[metric.name]
    if first is None:
        return Change(metric, "", metric.formatted(after), None, False)
    before = first.metrics[metric.name]
    gained = metric.direction * (after - before)
    overlap = _overlap(first.intervals.get(metric.name), last.intervals.get(metric.name))
    return Change(metric, metric.formatted(before), metric.formatted(after), gained > 0 if gained else None, overlap)


def _overlap(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    return one is not None and other is not None and max(one[0], other[0]) <= min(one[1], other[1])


def _part(name: str) -> str:
    return (files("clcap_cli.reporting") / name).read_text(encoding="utf-8")
