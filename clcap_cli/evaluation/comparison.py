"""The differences between two settings, each with one run or with runs of several seeds, and their significance."""

from collections.abc import Mapping
from dataclasses import dataclass

from clcap_cli.artifacts.comparisons import Verdict
from clcap_cli.evaluation.measured_setting import MeasuredSetting
from clcap_cli.evaluation.significance import (
    corrected_p_values,
    image_p_values,
    primary_values,
    seed_p_values,
    single_run_mcnemar,
)
from clcap_cli.metrics.bootstrap import Interval, difference_interval

SIGNIFICANCE_LEVEL = 0.05


@dataclass(frozen=True)
class Difference:
    """The difference between two settings in one value."""

    name: str
    primary: bool
    """Whether the value is one of the primary ones, which Holm's correction treats as a family of their own."""
    first: float
    """Mean over the runs of the first setting."""
    second: float
    """Mean over the runs of the second setting."""
    spreads: tuple[float, float]
    """Standard deviations over the runs of each setting; 0 for a single run."""
    interval: tuple[float, float] | None
    """95% confidence interval of second - first, over images; None for a value without valid intervals."""
    over_seeds: bool
    """Whether both settings have several runs, so that there is a test over seeds."""
    p_images: float | None
    """Two-sided p-value over images; None without an interval, or if there are too few images."""
    p_images_holm: float | None
    p_seeds: float | None = None
    """Two-sided p-value over seeds; None without a test, and if all seeds differ by the same amount."""
    p_seeds_holm: float | None = None
    p_mcnemar: float | None = None
    """Two-sided p-value of McNemar's exact test; only for R@k with one run of each setting."""

    @property
    def difference(self) -> float:
        """Second - first."""
        return self.second - self.first

    @property
    def verdict(self) -> Verdict:
        """How the second setting compares with the first: by the test over seeds if there is one."""
        if self.difference == 0 and self.interval == (0, 0):
            return "same"
        p = self.p_seeds_holm if self.over_seeds else self.p_images_holm
        if p is None:
            return self._reason_without_p
        if p >= SIGNIFICANCE_LEVEL:
            return "not significant"
        return "higher" if self.difference > 0 else "lower"

    @property
    def _reason_without_p(self) -> Verdict:
        if self.over_seeds:
            return "same for all seeds"
        return "not tested" if self.interval is None else "too few images"

    @property
    def significant(self) -> bool:
        """Whether the difference is significant."""
        return self.verdict in ("higher", "lower")


def compare_settings(first: MeasuredSetting, second: MeasuredSetting) -> list[Difference]:
    """The differences in all values that both settings have.

    Over images: the paired bootstrap (Koehn 2004) of the means over runs, and McNemar's test of R@k for one run a side.
    Over seeds: a t-test of the runs' values.
    """
    names = [name for name in first.values if name in second.values]
    primary = primary_values(names)
    over_images, over_seeds = image_p_values(first, second), seed_p_values(first, second)
    tests: dict[str, Mapping[str, float | None]] = {
        "p_images": over_images,
        "p_images_holm": corrected_p_values(over_images, primary),
        "p_seeds": over_seeds,
        "p_seeds_holm": corrected_p_values(over_seeds, primary),
        "p_mcnemar": single_run_mcnemar(first, second),
    }
    return [
        Difference(
            name=name,
            primary=name in primary,
            first=first.mean(name),
            second=second.mean(name),
            spreads=(first.spread(name), second.spread(name)),
            interval=_interval(first, second, name),
            over_seeds=bool(over_seeds),
            **{test: p_values.get(name) for test, p_values in tests.items()},
        )
        for name in names
    ]


def _interval(first: MeasuredSetting, second: MeasuredSetting, name: str) -> Interval | None:
    estimates = [setting.estimates[name] for setting in (first, second) if name in setting.estimates]
    return difference_interval(*estimates) if len(estimates) == 2 else None
