"""Tables of text and of means over seeds, as Markdown."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from clcap_cli.metrics.metric import MetricInfo


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]], alignment: str = "---:") -> str:
    """A table; ``alignment`` is that of all columns but the first."""
    rule = "|".join(["", ":---", *[alignment] * (len(headings) - 1), ""])
    return "\n".join([_line(headings), rule, *map(_line, rows)])


def mean_text(metric: MetricInfo, values: Mapping[str, float]) -> str:
    """Mean ± standard deviation of the values by seed, the value of a single run, or empty."""
    numbers = [float(value) for value in values.values()]
    if not numbers:
        return ""
    spread = f" ± {metric.formatted(statistics.stdev(numbers))}" if len(numbers) > 1 else ""
    return metric.formatted(statistics.fmean(numbers)) + spread


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
