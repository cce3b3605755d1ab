"""Tables of metrics with one row per run or per setting, independent of the format that they are written in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from clcap_cli.evaluation.human_captions import is_human
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.comparability import are_comparable
from clcap_cli.reporting.metric_groups import group_metrics
from clcap_cli.reporting.tables.images_of import images_of

HUMAN = "(human captions)"
"""Addition to the name of a run of human captions."""


@dataclass(frozen=True)
class Cell:
    """A row's value of a metric; the text is empty if there is no value."""

    value: float | None
    text: str
    spread: str
    """"[low, high]" or "± deviation", or empty."""
    best: bool
    significant: bool = False
    """Whether the value differs significantly from the baseline's."""


@dataclass(frozen=True)
class Table:
    """A table with one row per run or per setting, and one column per metric."""

    title: str
    row_header: str
    """Header of the column of row names."""
    metrics: list[MetricInfo]
    rows: list[tuple[str, list[Cell]]]
    human: frozenset[str] = frozenset()
    """Names of the rows of human captions, which are no system: they stand last and are never marked."""
    baseline: str = ""
    """Name of the row that the others were compared with; empty without a comparison."""
    images: str = ""
    """The images that all values are of, such as "test split, 400 images"; empty if they differ or are unknown."""


def run_tables(runs: Sequence[Run]) -> list[Table]:
    """Tables of all metrics, one row per run; the best of the values that can be compared are marked."""
    runs = [run for run in runs if run.metrics]
    names = list(dict.fromkeys(name for run in runs for name in run.metrics))
    human = [run for run in runs if is_human(run)]
    systems = [run for run in runs if run not in human]
    tables = [
        human_last(_run_table(title, metrics, systems, human), [run.name for run in human])
        for title, metrics in group_metrics(names).items()
    ]
    return [replace(table, images=images_of(runs)) for table in tables]


def _run_table(title: str, metrics: Sequence[MetricInfo], systems: Sequence[Run], human: Sequence[Run]) -> Table:
    """The table of systems and human captions; only values of systems are compared with each other."""
    columns = {metric: [*_run_cells(metric, systems), *_run_cells(metric, human)] for metric in metrics}
    return build_table(title, "run", [run.name for run in (*systems, *human)], columns)


def human_last(table: Table, human: Collection[str]) -> Table:
    """The table with the rows called ``human`` last, named and not marked."""
    systems = [(name, cells) for name, cells in table.rows if name not in human]
    rows = [(f"{name} {HUMAN}", list(map(_unmarked, cells))) for name, cells in table.rows if name in human]
    return replace(table, rows=[*systems, *rows], human=frozenset(name for name, _ in rows))


def _unmarked(cell: Cell) -> Cell:
    return replace(cell, best=False, significant=False)


def build_table(
    title: str, row_header: str, names: Sequence[str], columns: Mapping[MetricInfo, Sequence[Cell]]
) -> Table:
    """The table with these columns and a row for each of ``names``."""
    rows = zip(names, map(list, zip(*columns.values(), strict=True)), strict=True)
    return Table(title, row_header, list(columns), list(rows))


def _run_cells(metric: MetricInfo, runs: Sequence[Run]) -> list[Cell]:
    intervals = [run.intervals.get(metric.name) for run in runs]
    spreads = [f"[{', '.join(map(metric.formatted, interval))}]" if interval else "" for interval in intervals]
    return build_cells(
        metric, [run.metrics.get(metric.name) for run in runs], spreads, are_comparable(metric.name, runs)
    )


def build_cells(
    metric: MetricInfo, values: Sequence[float | None], spreads: Sequence[str], comparable: bool
) -> list[Cell]:
    """The cells of one column with formatted values and spreads; the best are marked if values are ``comparable``."""
    known = [value for value in values if value is not None]
    return [
        Cell(None, "", "", False)
        if value is None
        else Cell(value, metric.formatted(value), spread, comparable and _is_best(value, metric, known))
        for value, spread in zip(values, spreads, strict=True)
    ]


def _is_best(value: float, metric: MetricInfo, values: Sequence[float]) -> bool:
    """Whether, as formatted, none of ``values`` is better and at least one is worse."""
    in_order = sorted(values, key=lambda other: metric.direction * other)
    worst, best = metric.formatted(in_order[0]), metric.formatted(in_order[-1])
    return worst != best == metric.formatted(value)


def format_cell(cell: Cell, best: str, spread: str) -> str:
    """The cell's text in the format ``best`` if it is the best of its column, and in ``spread`` if it has a spread."""
    text = best.format(cell.text) if cell.best else cell.text
    return spread.format(text, cell.spread) if cell.spread else text
