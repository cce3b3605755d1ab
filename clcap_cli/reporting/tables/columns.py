"""Which columns the tables of a report have, and in which order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from clcap_cli.errors import InvalidValueError, suggestion
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.metrics.multiple_captions import caption_value_name
from clcap_cli.reporting.tables.table import Table

OF_PAPERS = ("R@1", "R@5", "R@10", "mean_rank", "BLEU-4", "METEOR", "ROUGE_L", "CIDEr", "SPICE")
"""The metrics that papers on captioning print, self-retrieval first, then in the order of COCO's evaluation."""
ALL = "all"


@dataclass(frozen=True)
class ReportTables:
    """The tables of a report."""

    defined: list[Table]
    """Tables that a file defines."""
    crossed: list[Table]
    """Rankings of captions by several models."""
    settings: list[Table]
    """Means over seeds: a table for each group of metrics, with the same rows."""
    runs: list[Table]
    """Values of single runs: a table for each group of metrics, with the same rows."""

    @property
    def every(self) -> list[Table]:
        """All tables in the order of a report."""
        return [*self.defined, *self.settings, *self.crossed, *self.runs]

    def select(self, names: Sequence[str] | None) -> "ReportTables":
        """The tables with only the columns called ``names``; None keeps all.

        All of these stand in one table of settings, and in one of runs.
        """
        if names is None:
            return self
        whole = [self.defined, *([joined(tables)] if tables else [] for tables in self._groups)]
        defined, settings, runs = (_with_values(_with_columns(table, names) for table in tables) for tables in whole)
        crossed = [table for table in self.crossed if table.metric and table.metric.name in names]
        return ReportTables(defined, crossed, settings, runs)

    def of_paper_metrics(self) -> "ReportTables":
        """The tables with one of settings and one of runs, which have the metrics that papers print, or else all."""
        settings, runs = ([_of_paper(joined(tables))] if tables else [] for tables in self._groups)
        return replace(self, settings=settings, runs=runs)

    def without_images(self) -> "ReportTables":
        """The tables without their numbers of images, where captions say these."""
        settings, runs = (_without_images(tables) for tables in self._groups)
        return replace(self, settings=settings, runs=runs)

    @property
    def main(self) -> list[Table]:
        """The tables in the order of a paper, without that of runs if others have means over seeds."""
        return [*(self.defined or self.settings or self.runs), *self.crossed]

    @property
    def _groups(self) -> tuple[list[Table], list[Table]]:
        return self.settings, self.runs


def column_names(columns: str | None, metrics: Sequence[MetricInfo]) -> list[str] | None:
    """The names of the metrics that ``columns`` lists by name or label; None for all.

    Raises InvalidValueError for names that no metric has.
    """
    if columns is None or columns == ALL:
        return None
    by_name = {metric.label: metric.name for metric in metrics} | {metric.name: metric.name for metric in metrics}
    asked = [name.strip() for name in columns.split(",") if name.strip()]
    if not asked:
        raise InvalidValueError("columns", "names no metric; give names such as R@1,CIDEr")
    unknown = [name for name in asked if name not in by_name]
    if unknown:
        names = list(dict.fromkeys(metric.name for metric in metrics))
        hints = {suggestion(name, names, f"choose from {', '.join(names)}"): None for name in unknown}
        missing = " or ".join(f"'{name}'" for name in unknown)
        raise InvalidValueError("columns", f"no metric is called {missing}; {'; '.join(hints)}")
    return list(dict.fromkeys(by_name[name] for name in asked))


def joined(tables: Sequence[Table]) -> Table:
    """One table with the columns of all tables, which have the same rows."""
    cells = [[cell for table in tables for cell in table.rows[row][1]] for row in range(len(tables[0].rows))]
    metrics = [metric for table in tables for metric in table.metrics]
    names = [name for name, _ in tables[0].rows]
    return replace(tables[0], title="Results", metrics=metrics, rows=list(zip(names, cells, strict=True)))


def _with_values(tables: Iterable[Table]) -> list[Table]:
    return [table for table in tables if table.metrics]


def _of_paper(table: Table) -> Table:
    names = [metric.name for metric in table.metrics if caption_value_name(metric.name) in OF_PAPERS]
    return _with_columns(table, names) if names else table


def _without_images(tables: Sequence[Table]) -> list[Table]:
    shown = {table.title: [metric.name for metric in table.metrics if metric.name != "images"] for table in tables}
    return _with_values(_with_columns(table, shown[table.title]) for table in tables)


def _with_columns(table: Table, names: Sequence[str]) -> Table:
    """The table with those of its columns that are called ``names``, in their order."""
    found = [metric.name for metric in table.metrics]
    at = [found.index(name) for name in names if name in found]
    rows = [(name, [cells[column] for column in at]) for name, cells in table.rows]
    return replace(table, metrics=[table.metrics[column] for column in at], rows=rows)
