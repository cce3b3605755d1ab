"""The differences between two runs as a table that fits a terminal."""

from collections.abc import Sequence

from clcap_cli.evaluation.comparison import SIGNIFICANCE_LEVEL, Difference
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.metrics.permutation_test import MIN_IMAGES
from clcap_cli.reporting.metric_groups import metric_infos


def comparison_lines(differences: Sequence[Difference], images: int) -> list[str]:
    """One line for each metric, with a mark where the difference is significant, and notes on p."""
    width = max((len(one.name) for one in differences), default=0)
    infos = metric_infos(one.name for one in differences)
    lines = [f"{'':<{width}} {'first':>6} {'second':>6} {'change':>7}  {'95% interval':<16} {'p':>6}"]
    for one, info in zip(differences, infos, strict=True):
        lines += [f"{one.name:<{width}} {_cells(one, info)}".rstrip(), *_deviations(one, info)]
    return [*lines, *_notes(differences, images)]


def _cells(one: Difference, info: MetricInfo) -> str:
    low, high = (_signed(end, info) for end in one.interval)
    values = f"{info.formatted(one.first):>6} {info.formatted(one.second):>6} {_signed(one.difference, info):>7}"
    return f"{values}  {f'[{low}, {high}]':<16} {_formatted_p(one.p):>6} {'*' if one.significant else ''}"


def _signed(value: float, info: MetricInfo) -> str:
    return f"{value:+.{info.decimals}f}"


def _formatted_p(p: float | None) -> str:
    if p is None:
        return "-"
    return f"{p:.3f}" if p >= 0.001 else "<0.001"


def _deviations(one: Difference, info: MetricInfo) -> list[str]:
    first, second = (f"{deviation:.{info.decimals}f}" for deviation in one.spreads)
    return [f"  standard deviation over seeds: {first} and {second}"] if any(one.spreads) else []


def _notes(differences: Sequence[Difference], images: int) -> list[str]:
    notes = []
    if any(one.significant for one in differences):
        notes.append(f"* significant: p < {SIGNIFICANCE_LEVEL}")
    if any(one.p is None for one in differences):
        notes.append(f"no p-values: with {images} images nothing can be significant; at least {MIN_IMAGES} are needed")
    if all(one.verdict == "same" for one in differences):
        notes.append("no difference: every value is the same in every resample")
    return notes
