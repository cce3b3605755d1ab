"""The report page: a single HTML file without external resources."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from clcap_cli import __version__
from clcap_cli.artifacts.attention import Attention
from clcap_cli.datasets.records import ImageId
from clcap_cli.evaluation.comparability import other_ranker
from clcap_cli.evaluation.compared_runs import ComparedRuns
from clcap_cli.evaluation.human_captions import is_human
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.labels import label_of
from clcap_cli.reporting.cross_ranking import EXPLANATION
from clcap_cli.reporting.experiments import Experiments
from clcap_cli.reporting.image_sources import ImageSources
from clcap_cli.reporting.page.attention import attention_record
from clcap_cli.reporting.page.comparison_content import comparison_content
from clcap_cli.reporting.page.data import MAX_RUNS_PER_IMAGE, image_ids, page_data
from clcap_cli.reporting.page.names import breakable, heading
from clcap_cli.reporting.page.selected_runs import selected_runs
from clcap_cli.reporting.plot import LineStyle, Plot
from clcap_cli.reporting.plots import line_styles
from clcap_cli.reporting.setting_tables import setting_tables
from clcap_cli.reporting.tables.legend import legend
from clcap_cli.reporting.tables.table import Table, human_label, run_tables

STYLES = (
    "base.css",
    "head.css",
    "comparison.css",
    "tables.css",
    "plots.css",
    "explore.css",
    "captions.css",
    "taken_for.css",
    "dialog.css",
    "attention.css",
    "narrow.css",
    "print.css",
)
LIBRARIES = ("d3.min.js", "plot.min.js")
SCRIPTS = (
    "data.js",
    "names.js",
    "axes.js",
    "filters.js",
    "selection.js",
    "sorting.js",
    "address.js",
    "thumbnails.js",
    "images.js",
    "captions.js",
    "taken_for.js",
    "dialog.js",
    "attention.js",
    "attention_maps.js",
    "tables.js",
    "scrolling.js",
    "curves.js",
    "histogram.js",
    "scatter.js",
    "explore.js",
    "export.js",
    "events.js",
)
"""Files that are joined in this order; the last script starts the page."""


def render(
    runs: Sequence[Run],
    plots: Sequence[Plot],
    image_sources: ImageSources,
    thumbnails: Mapping[ImageId, str],
    experiments: Experiments,
    crossed: Sequence[Table] = (),
    attention: Mapping[str, Attention] = {},
    compared_runs: ComparedRuns | None = None,
    warnings: Sequence[str] = (),
    paper_command: str = "",
) -> str:
    """Render the page as text; ``thumbnails`` are WebP files in base64 and ``crossed`` the cross-ranking tables.

    ``attention`` is that of the captions of runs, by their names. Marks are those of ``compared_runs``. Without a
    ``paper_command``, the page does not say how to write its tables as LaTeX.

    The page starts with the tables of ``experiments``, and shows captions of their example runs only.
    """
    script = _script()
    shown = [run for run in experiments.examples if run.images]
    words = attention_record(shown, attention)
    styles = line_styles(experiments.examples)
    tables = run_tables(runs, compared_runs)
    templates = Environment(
        loader=PackageLoader(__package__, "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"breakable": breakable, "heading": heading}
    return templates.get_template("page.html.j2").render(
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=Markup(_joined("style", STYLES)),
        data=Markup(page_data(shown, styles, image_sources, plots, thumbnails)),
        attention=Markup(json.dumps(words, separators=(",", ":"))),
        images_with_maps=words["images"],
        has_maps=bool(thumbnails) and any(one and one["placed"] for one in words["runs"]),
        attended=any(run.name in attention for run in shown),
        has_grid=any(one and one["grid"] for one in words["runs"]),
        has_sentinel=any(one.has_sentinel for one in attention.values()),
        thumbnails=Markup("\n".join(thumbnails.get(id, "") for id in image_ids(shown))),
        version=__version__,
        created=datetime.now(UTC),
        runs=runs,
        shown=shown,
        max_runs=MAX_RUNS_PER_IMAGE,
        selected=selected_runs(shown, compared_runs),
        is_human=is_human,
        human_label=human_label,
        label_of=label_of,
        colours=_colours(runs, styles),
        experiments=experiments.tables or setting_tables(compared_runs),
        has_experiments=bool(experiments.tables),
        legend=legend,
        tables=tables,
        crossed=crossed,
        crossed_explanation=EXPLANATION,
        **comparison_content(runs, compared_runs),
        plots=plots,
        images=len(image_ids(shown)),
        warnings=warnings,
        paper_command=paper_command,
    )


def _colours(runs: Sequence[Run], styles: Mapping[str, LineStyle]) -> dict[str, str]:
    """The colour of the curves of each run, by the names of its rows in tables."""
    colours = {run.name: styles[run.name].colour if run.name in styles else "transparent" for run in runs}
    labels = {human_label(run.name, ranker): run.name for run in runs for ranker in ("", other_ranker(run))}
    return colours | {label: colours[name] for label, name in labels.items()}


def _script() -> str:
    """The page's script: the libraries with their licences, then the page's own scripts."""
    licences = _joined("library", ["LICENSES.txt"])
    return f'"use strict";\n/*\n{licences}*/\n{_joined("library", LIBRARIES)}\n{_joined("script", SCRIPTS)}'


def _joined(folder: str, names: Sequence[str]) -> str:
    return "\n".join((files(__package__) / folder / name).read_text(encoding="utf-8") for name in names)
