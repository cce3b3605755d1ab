"""Differences and p-values as text: the same words in the terminal and on the page."""

from dataclasses import replace

from clcap_cli.artifacts.comparisons import MetricDifference, Verdict
from clcap_cli.metrics.metric import MetricInfo

WORDS: dict[Verdict, str] = {
    "same": "no difference",
    "not comparable": "not comparable",
    "not tested": "not tested",
    "too few images": "too few images to test",
    "same for all seeds": "same for all seeds",
    "human captions": "human captions, not marked",
    "not significant": "not significant",
}
"""Words for verdicts other than a significant difference."""
UNCORRECTED = (
    "Intervals are not corrected for the number of tests, so a difference can be not significant although its interval "
    "excludes 0."
)
"""Why an interval and a verdict can disagree."""


def signed_text(value: float, info: MetricInfo) -> str:
    """A difference with its sign."""
    return f"{value:+.{info.decimals}f}"


def shown_info(one: MetricDifference, info: MetricInfo) -> MetricInfo:
    """How the values of a difference are written: counts of single runs without decimal places."""
    whole = all(value.is_integer() for value in (one.first, one.second)) and not any(one.spreads)
    return replace(info, decimals=0) if info.is_count and whole else info


def interval_text(one: MetricDifference, info: MetricInfo) -> str:
    """The interval of a difference, or "-"."""
    return f"[{', '.join(signed_text(end, info) for end in one.interval)}]" if one.interval else "-"


def p_text(p: float | None) -> str:
    """A p-value, or "-" if it is unknown."""
    if p is None:
        return "-"
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def improvement(one: MetricDifference, info: MetricInfo) -> int:
    """1 for a significantly better value than the baseline's, -1 for a significantly worse one, otherwise 0."""
    return {"higher": 1, "lower": -1}.get(one.verdict, 0) * info.direction


def verdict_text(one: MetricDifference, info: MetricInfo) -> str:
    """The verdict in words: "better" or "worse" only where the difference is significant."""
    by_direction = {1: "better", -1: "worse", 0: one.verdict}
    return WORDS.get(one.verdict) or by_direction[improvement(one, info)]
