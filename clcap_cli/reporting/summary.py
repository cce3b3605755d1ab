"""The metrics of one results file as a table that fits a terminal."""

from collections.abc import Iterator, Mapping

from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.metric_groups import group_metrics

Interval = tuple[float, float]


def summary(
    values: Mapping[str, float],
    intervals: Mapping[str, Interval],
    chance: Mapping[str, float] | None = None,
) -> list[str]:
    """The main values under their headings, each with its 95% interval and, where given, its value by ``chance``."""
    groups = {title: [info for info in infos if info.in_summary] for title, infos in group_metrics(values).items()}
    rows = [(title, [_row(info, values, intervals, chance) for info in infos]) for title, infos in groups.items()]
    cells = [["", "value", *(["95% interval"] if intervals else []), *(["chance"] if chance is not None else [])]]
    for title, group in rows:
        if group:
            cells += [[title], *group]
    return list(_aligned(cells))


def _row(
    info: MetricInfo,
    values: Mapping[str, float],
    intervals: Mapping[str, Interval],
    chance: Mapping[str, float] | None,
) -> list[str]:
    ends = intervals.get(info.name)
    interval = f"[{', '.join(map(info.formatted, ends))}]" if ends else ""
    level = [info.formatted(chance[info.name]) if info.name in chance else ""] if chance is not None else []
    return [f"  {info.name}", info.formatted(values[info.name]), *([interval] if intervals else []), *level]


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    """Names to the left, all other columns to the right; a heading stands alone in its line."""
    widths = [max(len(row[at]) for row in rows if len(row) > at) for at in range(len(rows[0]))]
    for row in rows:
        first, *rest = row
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=False))]
        yield "  ".join(cells).rstrip()
