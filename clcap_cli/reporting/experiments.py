"""Tables of means and standard deviations over seeds, with rows and metrics from a JSON file."""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel, Field, model_validator

from clcap_cli.datasets.parsing import read_json, validated
from clcap_cli.errors import ClcapError, InvalidValueError, first_few
from clcap_cli.evaluation.compared_runs import ComparedRuns
from clcap_cli.evaluation.run_measurer import RunMeasurer
from clcap_cli.evaluation.run_names import SEED
from clcap_cli.evaluation.runs import Run
from clcap_cli.evaluation.seed_groups import SeedGroup
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.marks import Mark, row_marks
from clcap_cli.reporting.metric_groups import metric_infos
from clcap_cli.reporting.reported_comparison import compare_comparable
from clcap_cli.reporting.setting_tables import SPREAD
from clcap_cli.reporting.tables.images_of import images_of
from clcap_cli.reporting.tables.table import Cell, Table, build_cells, build_table


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
    """Messages about rows and metrics without values, and about rows that cannot be compared."""
    baseline: str | None = None
    """Name of the baseline's first run; None for the default."""
    rows: dict[str, list[Run]] = field(default_factory=dict)
    """Runs of each row by the pattern of their names."""


@dataclass(frozen=True)
class _Row:
    label: str
    pattern: str
    runs: list[Run]

    @property
    def group(self) -> SeedGroup:
        """The runs as a setting, with the numbers in the place of ``{seed}`` as seeds."""
        names = re.compile("([0-9]+)".join(map(re.escape, self.pattern.split(SEED))))
        matches = [names.fullmatch(run.name) for run in self.runs]
        return SeedGroup(self.label, self.runs, [match.groups() if match else () for match in matches])

    @property
    def name(self) -> str:
        seeds = f", {len(self.runs)} seed{'s' if len(self.runs) > 1 else ''}"
        return f"{self.label}{seeds if SEED in self.pattern else ''}"

    def values(self, metric: str) -> list[float]:
        return [run.metrics[metric] for run in self.runs if metric in run.metrics]


@dataclass(frozen=True)
class _MatchedTable:
    """The definition of a table with its rows, and the rows that match no run."""

    definition: Experiment
    rows: list[_Row]
    empty: list[_Row]

    def baseline(self, label: str | None) -> _Row:
        """The row with this label, or the first row."""
        return next((row for row in self.rows if row.label == label), self.rows[0])

    @property
    def metrics(self) -> list[str]:
        """The metrics that at least one run has."""
        return [metric for metric in self.definition.metrics if any(row.values(metric) for row in self.rows)]


def open_experiments(
    path: Path, runs: Sequence[Run], baseline: str | None = None, measurer: RunMeasurer | None = None
) -> Experiments:
    """Make the tables defined by the file at ``path`` from the runs whose complete names match a row's pattern.

    The rows of each table are compared with the row called ``baseline``, by default the first one.

    Raises ClcapError if the file is not a list of tables, and if all tables would be empty, and InvalidValueError if no
    row with runs is called ``baseline``.
    """
    definitions = validated(read_json(path), list[Experiment], path, "a list of tables")
    measured = [run for run in runs if run.metrics]
    matched = [_matched_table(experiment, measured) for experiment in definitions]
    examples = {row.runs[0].name: row.runs[0] for table in matched for row in table.rows}
    if not examples:
        raise _no_match_error(path, definitions, measured)
    first = _first_run(baseline, [row for table in matched for row in table.rows])
    shown = [table for table in matched if table.metrics]
    if not shown:
        metrics = [metric for table in matched if table.rows for metric in table.definition.metrics]
        raise ClcapError(f"{path}: no run of its tables has any of their metrics: {first_few(metrics)}")
    measurer = measurer or RunMeasurer()
    compared = [_compared(table, baseline, measurer) for table in shown]
    reasons = dict.fromkeys(reason for _, found in compared for reason in found)
    return Experiments(
        [_table(table, found, baseline) for table, (found, _) in zip(shown, compared, strict=True)],
        list(examples.values()),
        [*_omitted_rows(matched), *_omitted_metrics(matched), *reasons],
        first,
        {row.pattern: row.runs for table in matched for row in table.rows},
    )


def _first_run(baseline: str | None, rows: Sequence[_Row]) -> str | None:
    """The name of the first run of the row called ``baseline``; None without a baseline."""
    found = next((row.runs[0].name for row in rows if row.label == baseline), None)
    if baseline is not None and found is None:
        labels = first_few(list(dict.fromkeys(row.label for row in rows)))
        raise InvalidValueError("baseline", f"no row of the tables is called '{baseline}'; choose from {labels}")
    return found


def _compared(
    matched: _MatchedTable, baseline: str | None, measurer: RunMeasurer
) -> tuple[ComparedRuns | None, list[str]]:
    first = matched.baseline(baseline)
    rows = [first, *(row for row in matched.rows if row is not first)]
    return compare_comparable([row.group for row in rows], measurer)


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


def _table(matched: _MatchedTable, compared: ComparedRuns | None, baseline: str | None) -> Table:
    """The table with one row per matched row and the marks of the comparison."""
    labels = [row.label for row in matched.rows]
    columns = {
        metric: _cells(metric, matched.rows, row_marks(compared, labels, metric))
        for metric in metric_infos(matched.metrics)
    }
    spread = any(len(row.runs) > 1 for row in matched.rows)
    names = [row.name for row in matched.rows]
    table = build_table(matched.definition.title, "model", names, columns, matched.baseline(baseline).name)
    images = images_of([run for row in matched.rows for run in row.runs])
    return replace(table, note=SPREAD if spread else "", images=images)


def _cells(metric: MetricInfo, rows: Sequence[_Row], marks: Sequence[Mark]) -> list[Cell]:
    values = [row.values(metric.name) for row in rows]
    mean = (
        statistics.fmean if any(len(of_row) > 1 for of_row in values) else statistics.mean
    )  # mean keeps counts as int
    means = [mean(of_row) if of_row else None for of_row in values]
    spreads = [_spread(of_row, metric, len(row.runs)) for of_row, row in zip(values, rows, strict=True)]
    return build_cells(metric, means, spreads, marks)


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
