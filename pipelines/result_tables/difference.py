"""The difference between two settings in one metric, tested over seeds."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from scipy.stats import t as student_t

from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.metrics.seed_test import seed_test
from clcap_cli.reporting.difference_text import signed_text

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Difference:
    """The values of two settings in one metric, by seed."""

    metric: MetricInfo
    first: Mapping[str, float]
    second: Mapping[str, float]

    @property
    def pairs(self) -> list[tuple[float, float]]:
        """The values of both settings for each seed that both have."""
        return [(self.first[seed], self.second[seed]) for seed in self.first if seed in self.second]

    @property
    def differences(self) -> list[float]:
        """The second setting's value minus that of the first, for each seed of both."""
        return [second - first for first, second in self.pairs]

    @cached_property
    def p_value(self) -> float | None:
        """p of the paired t-test over seeds; None for a single seed."""
        numbers = range(len(self.pairs))
        test = seed_test(numbers, numbers)
        return test.p_value(*zip(*self.pairs, strict=True)) if test else None

    def means(self) -> str:
        """The means of both settings over the seeds of both."""
        return " → ".join(self.metric.formatted(statistics.fmean(values)) for values in zip(*self.pairs, strict=True))

    def mean(self) -> str:
        """The mean difference over seeds, with its sign."""
        return signed_text(statistics.fmean(self.differences), self.metric)

    def interval(self) -> str:
        """The 95% interval of the mean difference over seeds; empty for a single seed."""
        values = self.differences
        if len(values) < 2:
            return ""
        half = student_t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
        mean = statistics.fmean(values)
        return f"[{signed_text(mean - half, self.metric)}, {signed_text(mean + half, self.metric)}]"

    def verdict(self, corrected: float | None) -> str:
        """By p and the corrected p: holds, in tendency, the opposite (in tendency), or not seen."""
        p = self.p_value
        if p is None or corrected is None or p >= SIGNIFICANT:
            return "not seen"
        better = statistics.fmean(self.differences) * self.metric.direction > 0
        if corrected < SIGNIFICANT:
            return "holds" if better else "the opposite"
        return "in tendency" if better else "the opposite, in tendency"
