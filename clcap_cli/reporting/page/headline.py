"""The metrics at the top of the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from clcap_cli.evaluation.comparability import evaluation_differences
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.metric import MetricInfo

HEADLINE_METRICS = ("R@1", "mean_rank", "CIDEr", "unique_captions")
"""Metrics at the top of the page, if both runs have them."""


@dataclass(frozen=True)
class MetricChange:
    """The change of a metric from the first to the last run."""

    metric: MetricInfo
    before: str
    """Value of the first run; empty if there is only one run."""
    after: str
    """Value of the last run."""
    improved: bool | None
    """Whether the value improved; None if it is equal, or if neither direction is better."""
    intervals_overlap: bool
    """Whether the 95% intervals overlap, so that the change may be due to chance."""


def first_and_last(runs: Sequence[Run]) -> list[str]:
    """The names of the first and the last run with metrics; fewer if there are fewer such runs."""
    measured = [run.name for run in runs if run.metrics]
    return [measured[0], measured[-1]] if len(measured) > 1 else measured


def metric_changes(runs: Sequence[Run], metrics: Sequence[MetricInfo]) -> list[MetricChange]:
    """The changes of the headline metrics, where comparable, from the first to the last run with metrics."""
    measured = [run for run in runs if run.metrics]
    if not measured:
        return []
    known = {metric.name: metric for metric in metrics}
    first, last = measured[0], measured[-1]
    ids = [id for id in first.entries if id in last.entries]
    apart = evaluation_differences(first, last, [name for name in HEADLINE_METRICS if name in first.signatures], ids)
    names = [name for name in HEADLINE_METRICS if name in first.metrics and name in last.metrics and name not in apart]
    if first.images.keys() != last.images.keys():
        return []
    return [_change(known[name], None if first is last else first, last) for name in names]


def _change(metric: MetricInfo, first: Run | None, last: Run) -> MetricChange:
    after = last.metrics[metric.name]
    if first is None:
        return MetricChange(metric, "", metric.formatted(after), None, False)
    before = first.metrics[metric.name]
    improvement = metric.direction * (after - before)
    overlap = _overlap(first.intervals.get(metric.name), last.intervals.get(metric.name))
    return MetricChange(
        metric, metric.formatted(before), metric.formatted(after), improvement > 0 if improvement else None, overlap
    )


def _overlap(first: tuple[float, float] | None, last: tuple[float, float] | None) -> bool:
    return first is not None and last is not None and max(first[0], last[0]) <= min(first[1], last[1])
