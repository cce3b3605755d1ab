"""Tables of metrics with one row per run or per setting, independent of the format that they are written in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from clcap_cli.evaluation.comparability import other_ranker
from clcap_cli.evaluation.compared_runs import ComparedRuns
from clcap_cli.evaluation.human_captions import is_human
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.marks import Mark, run_marks, sign_of
from clcap_cli.reporting.metric_groups import group_metrics
from clcap_cli.reporting.tables.images_of import images_of

HUMAN = "human"


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
    test: str = ""
    """The test of its difference from the baseline's; empty without a test."""
    evaluated: str = ""
    """How it was evaluated differently from the baseline's; empty if it is comparable."""

    @property
    def mark(self) -> str:
        """The sign after the value, which the legend explains; empty without one."""
        return sign_of(self.significant, self.evaluated)


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
    """The images of the values, such as "test split, 400 images", or that they differ; empty if the note says it."""
    note: str = ""
    """What the values are, such as "mean ± sample standard deviation over seeds"; empty for values of single runs."""
    metric: MetricInfo | None = None
    """The metric of all values, if the columns are models that rank captions."""

    @property
    def heading(self) -> str:
        """The title and, in brackets, the note."""
        return f"{self.title} ({self.note})" if self.note else self.title

    @property
    def images_sentence(self) -> list[str]:
        """A sentence with the images; none if they are unknown or in the note."""
        return [f"{self.images[0].upper()}{self.images[1:]}."] if self.images else []


def run_tables(runs: Sequence[Run], compared: ComparedRuns | None = None) -> list[Table]:
    """Tables of all metrics, one row per run, with the marks of the comparison."""
    runs = [run for run in runs if run.metrics]
    names = list(dict.fromkeys(name for run in runs for name in run.metrics))
    human = {run.name: human_label(run.name, other_ranker(run)) for run in runs if is_human(run)}
    tables = [
        human_last(_run_table(title, metrics, runs, compared), human) for title, metrics in group_metrics(names).items()
    ]
    return [replace(table, images=images_of(runs)) for table in tables]


def _run_table(title: str, metrics: Sequence[MetricInfo], runs: Sequence[Run], compared: ComparedRuns | None) -> Table:
    columns = {metric: _run_cells(metric, runs, compared) for metric in metrics}
    return build_table(title, "run", [run.name for run in runs], columns, compared.baseline.name if compared else "")


def human_last(table: Table, human: Mapping[str, str]) -> Table:
    """The table with the rows of human captions last and not marked; ``human`` has their labels by their names."""
    systems = [(name, cells) for name, cells in table.rows if name not in human]
    rows = [(human[name], list(map(_unmarked, cells))) for name, cells in table.rows if name in human]
    return replace(table, rows=[*systems, *rows], human=frozenset(name for name, _ in rows))


def human_label(name: str, ranker: str = "") -> str:
    """The name of a run of human captions as one: "human captions" for human, "people (human captions)" for people.

    It ends with the model that ranked them, unless the name says it.
    """
    first, *rest = name.split(" ")
    label = " ".join([f"{HUMAN} captions", *rest]) if first == HUMAN else f"{name} (human captions)"
    ranked = f"ranked by {ranker}"
    return f"{label}, {ranked}" if ranker and ranked not in name else label


def _unmarked(cell: Cell) -> Cell:
    return replace(cell, best=False, significant=False)


def build_table(
    title: str,
    row_header: str,
    names: Sequence[str],
    columns: Mapping[MetricInfo, Sequence[Cell]],
    baseline: str = "",
) -> Table:
    """The table with these columns and a row for each of ``names``."""
    rows = zip(names, map(list, zip(*columns.values(), strict=True)), strict=True)
    return Table(title, row_header, list(columns), list(rows), baseline=baseline)


def _run_cells(metric: MetricInfo, runs: Sequence[Run], compared: ComparedRuns | None) -> list[Cell]:
    intervals = [run.intervals.get(metric.name) for run in runs]
    spreads = [f"[{', '.join(map(metric.formatted, interval))}]" if interval else "" for interval in intervals]
    values = [run.metrics.get(metric.name) for run in runs]
    return build_cells(metric, values, spreads, run_marks(compared, runs, metric))


def build_cells(
    metric: MetricInfo, values: Sequence[float | None], spreads: Sequence[str], marks: Sequence[Mark]
) -> list[Cell]:
    """The cells of one column with formatted values, spreads and marks."""
    return [
        Cell(None, "", "", False)
        if value is None
        else Cell(value, metric.formatted(value), spread, mark.best, mark.significant, mark.test, mark.evaluated)
        for value, spread, mark in zip(values, spreads, marks, strict=True)
    ]
