"""The differences between the systems of the page and the baseline, as text."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from clcap_cli.artifacts.comparisons import Comparison, MetricDifference
from clcap_cli.evaluation.compared_runs import ComparedRuns
from clcap_cli.metrics.labels import label_of
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.difference_text import (
    improvement,
    interval_text,
    p_text,
    shown_info,
    signed_text,
    verdict_text,
)
from clcap_cli.reporting.metric_groups import metric_infos

HEADLINE = ("unique_share",)
"""Metrics at the top of the page besides the primary ones."""


@dataclass(frozen=True)
class ComparedValue:
    """The values of the baseline and of another system in one metric, and their difference, as text."""

    metric: MetricInfo
    first: str
    """Value of the baseline."""
    second: str
    """Value of the other system."""
    spreads: tuple[str, str]
    """The standard deviations of both over seeds, such as "± 0.002"; empty for a single run."""
    difference: str
    interval: str
    p_images: str
    p_images_holm: str
    p_seeds: str
    p_seeds_holm: str
    verdict: str
    decisive: str
    """The p-value of the verdict, such as "p = 0.022"; empty if there is none."""
    improvement: int
    """1 if the other system is significantly better, -1 if it is significantly worse, otherwise 0."""
    significant: bool
    primary: bool
    comparable: bool

    @property
    def mark(self) -> str:
        """The class of the verdict's colour; empty if the difference is not significant."""
        return {1: "gained", -1: "lost", 0: ""}[self.improvement]


@dataclass(frozen=True)
class ComparedSystem:
    """A system compared with the baseline."""

    name: str
    values: list[ComparedValue]
    """Its values in the primary metrics, then in all others, then in those that cannot be compared."""
    over_seeds: bool
    """Whether the verdicts are those of the test over seeds."""
    evaluation: list[str]
    """How it was evaluated differently."""

    @property
    def headline(self) -> list[ComparedValue]:
        """The values at the top of the page."""
        return [value for value in self.values if value.primary or value.metric.name in HEADLINE]

    @property
    def tested(self) -> str:
        """Which test decides the verdicts."""
        return f"tested over {'seeds' if self.over_seeds else 'images'}"

    @property
    def summary(self) -> str:
        """The number of metrics with each verdict, such as "5 better, 2 worse, 9 not significant"."""
        counts = Counter(value.verdict for value in sorted(self.values, key=lambda value: -abs(value.improvement)))
        return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())

    def value(self, name: str) -> ComparedValue | None:
        """The value of the metric ``name``; None if the system or the baseline has none."""
        return next((value for value in self.values if value.metric.name == name), None)


def compared_systems(compared: ComparedRuns | None, human: bool = False) -> list[ComparedSystem]:
    """The systems that are compared with the baseline or, if ``human``, the human captions that are."""
    if compared is None:
        return []
    pairs = zip(compared.settings[1:], compared.comparisons, strict=True)
    return [_system(comparison) for setting, comparison in pairs if setting.is_human == human]


def headline_metrics(systems: Sequence[ComparedSystem]) -> list[MetricInfo]:
    """The metrics at the top of the page."""
    return list({value.metric.name: value.metric for system in systems for value in system.headline}.values())


def baseline_values(systems: Sequence[ComparedSystem]) -> dict[str, str]:
    """The values of the baseline by the names of metrics."""
    return {value.metric.name: value.first for system in systems for value in system.values}


def _system(comparison: Comparison) -> ComparedSystem:
    over_seeds = comparison.over_seeds
    values = [_value(comparison.metrics[info.name], info, over_seeds) for info in metric_infos(comparison.metrics)]
    values.sort(key=lambda value: (not value.comparable, not value.primary))
    return ComparedSystem(
        comparison.second, values, over_seeds, list(map(_with_labels, comparison.run_differences.evaluation))
    )


def _with_labels(line: str) -> str:
    """A line of differences that starts with labels in place of the names of metrics."""
    names, colon, differences = line.partition(": ")
    return f"{', '.join(map(label_of, names.split(', ')))}{colon}{differences}"


def _value(one: MetricDifference, info: MetricInfo, over_seeds: bool) -> ComparedValue:
    info = shown_info(one, info)
    spreads = [f"± {spread:.{info.decimals}f}" if spread else "" for spread in one.spreads]
    return ComparedValue(
        metric=info,
        first=info.formatted(one.first),
        second=info.formatted(one.second),
        spreads=(spreads[0], spreads[1]),
        difference=signed_text(one.difference, info),
        interval=interval_text(one, info),
        p_images=p_text(one.p_images),
        p_images_holm=p_text(one.p_images_holm),
        p_seeds=p_text(one.p_seeds),
        p_seeds_holm=p_text(one.p_seeds_holm),
        verdict=verdict_text(one, info),
        decisive=_p_equals(one.decisive_p(over_seeds)),
        improvement=improvement(one, info),
        significant=one.significant,
        primary=one.primary,
        comparable=one.comparable,
    )


def _p_equals(p: float | None) -> str:
    if p is None:
        return ""
    text = p_text(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
