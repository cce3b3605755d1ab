"""Tables of experiments: means and spread over seeds, with the rows and metrics that a JSON file asks for."""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

from clcap_cli.datasets.parsing import read_json, validated
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.metric_groups import infos_of
from clcap_cli.reporting.runs import Run, same_images
from clcap_cli.reporting.tables import Cell, Table, cells_of, table_of

SEED = "{seed}"
SPREAD = "mean ± sample standard deviation over seeds"


class Experiment(BaseModel, frozen=True, extra="forbid"):
    """One table that is asked for."""

    name: str
    """By which messages call it."""
    title: str
    metrics: list[str] = Field(min_length=1)
    rows: dict[str, str] = Field(min_length=1)
    """What a row is called, and what its runs are, with ``{seed}`` for any digits."""


@dataclass(frozen=True)
class Experiments:
    """The tables for which there are runs; without a file there are none, and every run is an example."""

    tables: list[Table]
    examples: list[Run]
    """The first run of every row, each once."""
    left_out: list[str]
    """What was asked for and is not there: one sentence for rows, one for metrics."""


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
class _Pooled:
    """An experiment with the runs of its rows; those without any are kept apart."""

    asked: Experiment
    rows: list[_Row]
    empty: list[_Row]

    @property
    def metrics(self) -> list[str]:
        """Those that some run has."""
        return [metric for metric in self.asked.metrics if any(row.values(metric) for row in self.rows)]


def open_experiments(path: Path, runs: Sequence[Run]) -> Experiments:
    """The tables that the file at ``path`` asks for, of those of ``runs`` whose whole name fits a row.

    Raises ClcapError for a file that is not such a list, and when every table would be empty.
    """
    asked = validated(read_json(path), list[Experiment], path, "a list of tables")
    measured = [run for run in runs if run.metrics]
    pooled = [_pooled(experiment, measured) for experiment in asked]
    examples = {row.runs[0].name: row.runs[0] for one in pooled for row in one.rows}
    if not examples:
        raise _no_fit(path, asked, measured)
    tables = [_table(one) for one in pooled if one.metrics]
    if not tables:
        metrics = [metric for one in pooled if one.rows for metric in one.asked.metrics]
        raise ClcapError(f"{path}: no run of its tables has any of their metrics: {first_few(metrics)}")
    return Experiments(tables, list(examples.values()), [*_without_runs(pooled), *_without_metrics(pooled)])


def _no_fit(path: Path, asked: Sequence[Experiment], runs: Sequence[Run]) -> ClcapError:
    patterns = [pattern for experiment in asked for pattern in experiment.rows.values()]
    return ClcapError(
        f"{path}: no run's name fits its rows, which ask for {first_few(patterns) or 'nothing'}; "
        f"the runs are called {first_few([run.name for run in runs])}"
    )


def _pooled(experiment: Experiment, runs: Sequence[Run]) -> _Pooled:
    rows = [_row(label, pattern, runs) for label, pattern in experiment.rows.items()]
    return _Pooled(experiment, [row for row in rows if row.runs], [row for row in rows if not row.runs])


def _row(label: str, pattern: str, runs: Sequence[Run]) -> _Row:
    fits = re.compile("[0-9]+".join(map(re.escape, pattern.split(SEED))))
    return _Row(label, pattern, [run for run in runs if fits.fullmatch(run.name)])


def _table(pooled: _Pooled) -> Table:
    """One row for each that has runs; the best means are marked where all runs are of the same images."""
    comparable = same_images([run for row in pooled.rows for run in row.runs])
    columns = {metric: _cells(metric, pooled.rows, comparable) for metric in infos_of(pooled.metrics)}
    spread = any(len(row.runs) > 1 for row in pooled.rows)
    title = f"{pooled.asked.title} ({SPREAD})" if spread else pooled.asked.title
    return table_of(title, "model", [row.name for row in pooled.rows], columns)


def _cells(metric: MetricInfo, rows: Sequence[_Row], comparable: bool) -> list[Cell]:
    values = [row.values(metric.name) for row in rows]
    mean = statistics.fmean if any(len(found) > 1 for found in values) else statistics.mean  # which leaves counts whole
    means = [mean(found) if found else None for found in values]
    spreads = [_spread(found, metric, len(row.runs)) for found, row in zip(values, rows, strict=True)]
    return cells_of(metric, means, spreads, comparable)


def _spread(values: Sequence[float], metric: MetricInfo, seeds: int) -> str:
    deviation = [f"± {metric.formatted(statistics.stdev(map(float, values)))}"] if len(values) > 1 else []
    lacking = [f"{len(values)} of {seeds} seeds"] if len(values) < seeds else []
    return ", ".join(deviation + lacking)


def _without_runs(pooled: Sequence[_Pooled]) -> list[str]:
    """Whole tables by name, rows with what they ask for."""
    parts = [
        f"{one.asked.name}: {', '.join(f'{row.label!r} ({row.pattern})' for row in one.empty)}"
        if one.rows
        else f"all of {one.asked.name}"
        for one in pooled
        if one.empty
    ]
    return [f"left out of the tables, as no run fits: {'; '.join(parts)}"] if parts else []


def _without_metrics(pooled: Sequence[_Pooled]) -> list[str]:
    lacking = [
        (one, [metric for metric in one.asked.metrics if metric not in one.metrics]) for one in pooled if one.rows
    ]
    parts = [f"{one.asked.name}: {', '.join(metrics)}" for one, metrics in lacking if metrics]
    return [f"left out of the tables, as no run of theirs has it: {'; '.join(parts)}"] if parts else []
