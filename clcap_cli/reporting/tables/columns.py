"""Which columns the tables of a report have, and in which order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clcap_cli.errors import InvalidValueError
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.metrics.multiple_captions import caption_value_name
from clcap_cli.reporting.tables.table import Table

OF_PAPERS = ("R@1", "R@5", "R@10", "mean_rank", "BLEU-4", "METEOR", "ROUGE_L", "CIDEr", "SPICE")
"""The metrics that papers on captioning print, self-retrieval first, then in the order of COCO's evaluation."""
ALL = "all"


@dataclass(frozen=True)
class ReportTables:
    """The tables of a report."""

    seeds: list[Table]
    """Means over seeds."""
    crossed: list[Table]
    """Rankings of captions by several models."""
    runs: list[Table]
    """A table for each group of metrics, with the same rows."""
    settings: list[Table]
    """Tables of settings like those of runs; empty where they would show the same values."""

    @property
    def every(self) -> list[Table]:
        """All tables in the order of a report."""
        return [*self.seeds, *self.settings, *self.crossed, *self.runs]

    def select(self, names: Sequence[str] | None) -> "ReportTables":
        """The tables with only the columns called ``names``, those of runs in one table; None keeps all.

        Tables of rankings by several models stay as they are.
        """
        if names is None:
            return self
        seeds = [table for table in (_with_columns(table, names) for table in self.seeds) if table.metrics]
        runs, settings = ([_with_columns(joined(of), names)] if of else [] for of in (self.runs, self.settings))
        return ReportTables(seeds, self.crossed, runs, settings)

    def for_paper(self) -> "ReportTables":
        """The tables, with those of runs and of settings as one each.

        These have only the metrics that papers print, if there are any.
        """
        return replace(self, runs=_of_papers(self.runs), settings=_of_papers(self.settings))


def _of_papers(tables: Sequence[Table]) -> list[Table]:
    if not tables:
        return []
    table = joined(tables)
    names = [metric.name for metric in table.metrics if caption_value_name(metric.name) in OF_PAPERS]
    return [_with_columns(table, names) if names else table]


def column_names(columns: str | None, metrics: Sequence[MetricInfo]) -> list[str] | None:
    """The names of the metrics that ``columns`` lists by name or label; None for all.

    Raises InvalidValueError for names that no metric has.
    """
    if columns is None or columns == ALL:
        return None
    by_name = {metric.label: metric.name for metric in metrics} | {metric.name: metric.name for metric in metrics}
    asked = [name.strip() for name in columns.split(",")]
    unknown = [name for name in asked if name not in by_name]
    if unknown:
        names = ", ".join(dict.fromkeys(metric.name for metric in metrics))
        raise InvalidValueError("columns", f"no metric is called '{unknown[0]}'; choose from {names}")
    return list(dict.fromkeys(by_name[name] for name in asked))


def joined(tables: Sequence[Table]) -> Table:
    """One table with the columns of all tables, which have the same rows."""
    cells = [[cell for table in tables for cell in table.rows[row][1]] for row in range(len(tables[0].rows))]
    metrics = [metric for table in tables for metric in table.metrics]
    names = [name for name, _ in tables[0].rows]
    title = re.sub(r"^[^(]*?(?=( \(|$))", "Results", tables[0].title)
    return replace(tables[0], title=title, metrics=metrics, rows=list(zip(names, cells, strict=True)))


def _with_columns(table: Table, names: Sequence[str]) -> Table:
    """The table with those of its columns that are called ``names``, in their order."""
    found = [metric.name for metric in table.metrics]
    at = [found.index(name) for name in names if name in found]
    rows = [(name, [cells[column] for column in at]) for name, cells in table.rows]
    return replace(table, metrics=[table.metrics[column] for column in at], rows=rows)
