"""Tables of means and standard deviations over seeds, with rows and metrics from a JSON file."""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, model_validator

from clcap_cli.datasets.parsing import read_json, validated
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.comparability import are_comparable
from clcap_cli.reporting.metric_groups import metric_infos
from clcap_cli.reporting.tables.table import Cell, Table, build_cells, build_table

SEED = "{seed}"
SPREAD = "mean ± sample standard deviation over seeds"


class Experiment(BaseModel, frozen=True, extra="forbid"):
    """The definition of one table."""

    name: str
    """Name in messages."""
    title: str
    metrics: list[str] = Field(min_length=1)
    rows: dict[str, str] = Field(min_length=1)
    """Name patterns of the runs of each row, by row label; ``{seed}`` matches any digits."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_earlier_name(cls, data: object) -> object:
        if isinstance(data, dict) and "figures" in data:
            raise ValueError("figures is now called metrics")
        return data


@dataclass(frozen=True)
class Experiments:
    """Tables with at least one run; without a file there are no tables, and every run is an example."""

    tables: list[Table]
    examples: list[Run]
    """First run of each row, without duplicates."""
    messages: list[str]
    """Messages about rows and metrics without values: at most one sentence for each."""


@dataclass(frozen=True)
class _Row:
    label: str
    pattern: str
    runs: list[Run]

    @property
    def name(self) -> str:
        seeds = f" ({len(self.runs)} seed{'s' if len(self.runs) > 1 else ''})"
        return f"{self.label}{seeds if SEED in self.pattern else ''}"

    def values(self, metric: str) -> list[float]:
        return [run.metrics[metric] for run in self.runs if metric in run.metrics]


@dataclass(frozen=True)
class _MatchedTable:
    """The definition of a table with its rows, and the rows that match no run."""

    definition: Experiment
    rows: list[_Row]
    empty: list[_Row]

    @property
    def metrics(self) -> list[str]:
        """The metrics that at least one run has."""
        return [metric for metric in self.definition.metrics if any(row.values(metric) for row in self.rows)]


def open_experiments(path: Path, runs: Sequence[Run]) -> Experiments:
    """Make the tables defined by the file at ``path`` from the runs whose complete names match a row's pattern.

    Raises ClcapError if the file is not a list of tables, and if all tables would be empty.
    """
    definitions = validated(read_json(path), list[Experiment], path, "a list of tables")
    measured = [run for run in runs if run.metrics]
    matched = [_matched_table(experiment, measured) for experiment in definitions]
    examples = {row.runs[0].name: row.runs[0] for table in matched for row in table.rows}
    if not examples:
        raise _no_match_error(path, definitions, measured)
    tables = [_table(table) for table in matched if table.metrics]
    if not tables:
        metrics = [metric for table in matched if table.rows for metric in table.definition.metrics]
        raise ClcapError(f"{path}: no run of its tables has any of their metrics: {first_few(metrics)}")
    return Experiments(tables, list(examples.values()), [*_omitted_rows(matched), *_omitted_metrics(matched)])


def _no_match_error(path: Path, definitions: Sequence[Experiment], runs: Sequence[Run]) -> ClcapError:
    patterns = [pattern for experiment in definitions for pattern in experiment.rows.values()]
    return ClcapError(
        f"{path}: no run's name matches any row pattern ({first_few(patterns) or 'there are none'}); "
        f"the runs are {first_few([run.name for run in runs])}"
    )


def _matched_table(experiment: Experiment, runs: Sequence[Run]) -> _MatchedTable:
    rows = [_row(label, pattern, runs) for label, pattern in experiment.rows.items()]
    return _MatchedTable(experiment, [row for row in rows if row.runs], [row for row in rows if not row.runs])


def _row(label: str, pattern: str, runs: Sequence[Run]) -> _Row:
    names = re.compile("[0-9]+".join(map(re.escape, pattern.split(SEED))))
    return _Row(label, pattern, [run for run in runs if names.fullmatch(run.name)])


def _table(matched: _MatchedTable) -> Table:
    """The table with one row per matched row; the best of the means that can be compared are marked."""
    runs = [run for row in matched.rows for run in row.runs]
    columns = {
        metric: _cells(metric, matched.rows, are_comparable(metric.name, runs))
        for metric in metric_infos(matched.metrics)
    }
    spread = any(len(row.runs) > 1 for row in matched.rows)
    title = f"{matched.definition.title} ({SPREAD})" if spread else matched.definition.title
    return build_table(title, "model", [row.name for row in matched.rows], columns)


def _cells(metric: MetricInfo, rows: Sequence[_Row], comparable: bool) -> list[Cell]:
    values = [row.values(metric.name) for row in rows]
    mean = (
        statistics.fmean if any(len(of_row) > 1 for of_row in values) else statistics.mean
    )  # mean keeps counts as int
    means = [mean(of_row) if of_row else None for of_row in values]
    spreads = [_spread(of_row, metric, len(row.runs)) for of_row, row in zip(values, rows, strict=True)]
    return build_cells(metric, means, spreads, comparable)


def _spread(values: Sequence[float], metric: MetricInfo, seeds: int) -> str:
    deviation = [f"± {metric.formatted(statistics.stdev(map(float, values)))}"] if len(values) > 1 else []
    incomplete = [f"{len(values)} of {seeds} seeds"] if len(values) < seeds else []
    return ", ".join(deviation + incomplete)


def _omitted_rows(matched: Sequence[_MatchedTable]) -> list[str]:
    """A sentence that lists tables without runs by name, and other rows without runs with their patterns."""
    parts = [
        f"{table.definition.name}: {', '.join(f'{row.label!r} ({row.pattern})' for row in table.empty)}"
        if table.rows
        else f"all of {table.definition.name}"
        for table in matched
        if table.empty
    ]
    return [f"left out of the tables, because no run matches: {'; '.join(parts)}"] if parts else []


def _omitted_metrics(matched: Sequence[_MatchedTable]) -> list[str]:
    missing = [
        (table.definition.name, [metric for metric in table.definition.metrics if metric not in table.metrics])
        for table in matched
        if table.rows
    ]
    parts = [f"{name}: {', '.join(metrics)}" for name, metrics in missing if metrics]
    return [f"left out of the tables, because none of their runs has the metric: {'; '.join(parts)}"] if parts else []
