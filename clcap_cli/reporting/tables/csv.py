"""Metrics of runs, and their means over seeds, as CSV."""

import statistics
from collections.abc import Mapping, Sequence

from clcap_cli.datasets.spreadsheet_cells import as_cell
from clcap_cli.evaluation.runs import Run
from clcap_cli.reporting.tables.table import run_tables

Row = dict[str, object]


def as_csv(
    runs: Sequence[Run], metrics: Sequence[str] | None = None, settings: Mapping[str, Sequence[Run]] | None = None
) -> str:
    """One row per run with all metrics, or only ``metrics``; then one row with the means of each of the ``settings``.

    ``settings`` are runs of several seeds by the pattern of their names, which stands in the column ``run``. With them,
    ``seeds`` is the number of runs of a row, and ``_sd`` follows the name of a metric for the sample standard deviation
    over them. ``_low`` and ``_high`` are the ends of a run's interval. If a model ranked the captions of another, two
    columns tell whose captions were ranked, and by which model. No cell is a formula to a spreadsheet.
    """
    import pandas

    settings = {pattern: found for pattern, found in (settings or {}).items() if len(found) > 1}
    metrics = metrics or [metric.name for table in run_tables(runs) for metric in table.metrics]
    rows = [_run_row(run, bool(settings)) for run in runs if run.metrics]
    rows += [_setting_row(pattern, found) for pattern, found in settings.items()]
    crossed = any(run.ranking and not run.ranking.own for run in runs)
    names = ["run", *(["captions_of", "ranked_by"] if crossed else []), *(["seeds"] if settings else [])]
    present = {name for row in rows for name in row}
    columns = [*names, *(column for name in metrics for column in _columns(name) if column in {name, *present})]
    return pandas.DataFrame(rows, columns=columns, dtype=object).to_csv(
        header=[as_cell(name) for name in columns], index=False, lineterminator="\n"
    )


def _run_row(run: Run, with_seeds: bool) -> Row:
    seeds = {"seeds": 1} if with_seeds else {}
    return {"run": as_cell(run.name), **_ranking_names(run), **seeds, **run.metrics, **_interval_ends(run)}


def _setting_row(pattern: str, runs: Sequence[Run]) -> Row:
    names = dict.fromkeys(name for run in runs for name in run.metrics)
    row: Row = {"run": as_cell(pattern), "seeds": len(runs)}
    for name in names:
        values = [float(run.metrics[name]) for run in runs if name in run.metrics]
        row[name] = statistics.fmean(values)
        row[f"{name}_sd"] = statistics.stdev(values) if len(values) > 1 else None
    return row


def _ranking_names(run: Run) -> Row:
    ranking = run.ranking
    if ranking is None:
        return {}
    return {"captions_of": as_cell(ranking.captions.name), "ranked_by": as_cell(ranking.ranker.name)}


def _interval_ends(run: Run) -> Row:
    return {
        column: value
        for name, interval in run.intervals.items()
        for column, value in zip((f"{name}_low", f"{name}_high"), interval, strict=True)
    }


def _columns(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high", f"{name}_sd"]
