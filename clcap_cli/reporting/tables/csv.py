"""Metrics of runs as CSV."""

from collections.abc import Sequence

from clcap_cli.datasets.spreadsheet_cells import as_cell
from clcap_cli.evaluation.runs import Run
from clcap_cli.reporting.tables.table import run_tables


def as_csv(runs: Sequence[Run], metrics: Sequence[str] | None = None) -> str:
    """One row per run with all metrics, or only ``metrics``.

    The columns ``_low`` and ``_high`` follow a metric with intervals.

    If a model ranked the captions of another, two columns tell whose captions were ranked, and by which model. No cell
    is a formula to a spreadsheet.
    """
    import pandas

    metrics = metrics or [metric.name for table in run_tables(runs) for metric in table.metrics]
    with_interval = {name for run in runs for name in run.intervals}
    columns = [column for name in metrics for column in _csv_columns(name, name in with_interval)]
    rows = [
        {"run": as_cell(run.name), **_ranking_names(run), **run.metrics, **_interval_ends(run)}
        for run in runs
        if run.metrics
    ]
    crossed = any(run.ranking and not run.ranking.own for run in runs)
    names = ["run", *(("captions_of", "ranked_by") if crossed else ())]
    return pandas.DataFrame(rows, columns=[*names, *columns], dtype=object).to_csv(
        header=[as_cell(name) for name in [*names, *columns]], index=False, lineterminator="\n"
    )


def _ranking_names(run: Run) -> dict[str, str]:
    ranking = run.ranking
    if ranking is None:
        return {}
    return {"captions_of": as_cell(ranking.captions.name), "ranked_by": as_cell(ranking.ranker.name)}


def _interval_ends(run: Run) -> dict[str, float]:
    return {
        column: value
        for name, interval in run.intervals.items()
        for column, value in zip(_csv_columns(name, has_interval=True)[1:], interval, strict=True)
    }


def _csv_columns(name: str, has_interval: bool) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"] if has_interval else [name]
