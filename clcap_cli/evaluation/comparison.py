"""The differences between two settings, each with one run or with runs of several seeds, and their significance."""

from collections.abc import Container, Mapping
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
    """Whether the value is tested over seeds, for which both settings need several runs."""
    p_images: float | None = None
    """Two-sided p-value over images; None without an interval, or if there are too few images."""
    p_images_holm: float | None = None
    p_seeds: float | None = None
    """Two-sided p-value over seeds; None without a test, and if all seeds differ by the same amount."""
    p_seeds_holm: float | None = None
    p_mcnemar: float | None = None
    """Two-sided p-value of McNemar's exact test; only for R@k with one run of each setting."""
    comparable: bool = True
    """Whether both settings were evaluated alike; otherwise there is neither interval nor p."""

    @property
    def difference(self) -> float:
        """Second - first."""
        return self.second - self.first

    @property
    def verdict(self) -> Verdict:
        """How the second setting compares with the first: by the test over seeds if there is one."""
        if not self.comparable:
            return "not comparable"
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


def shared_values(first: MeasuredSetting, second: MeasuredSetting) -> list[str]:
    """The names of the values that both settings have."""
    return [name for name in first.values if name in second.values]


def compare_settings(
    first: MeasuredSetting, second: MeasuredSetting, not_comparable: Container[str] = ()
) -> list[Difference]:
    """The differences in all values that both settings have; those in ``not_comparable`` are not tested.

    Over images: the paired bootstrap (Koehn 2004) of the means over runs, and McNemar's test of R@k for one run a side.
    Over seeds: a t-test of the runs' values.
    """
    names = shared_values(first, second)
    comparable = [name for name in names if name not in not_comparable]
    primary = primary_values(names)
    tests = _tests(first.only(comparable), second.only(comparable), primary)
    return [
        Difference(
            name=name,
            primary=name in primary,
            comparable=name in comparable,
            first=first.mean(name),
            second=second.mean(name),
            spreads=(first.spread(name), second.spread(name)),
            interval=_interval(first, second, name) if name in comparable else None,
            over_seeds=name in tests["p_seeds"],
            **{test: p_values.get(name) for test, p_values in tests.items() if name in comparable},
        )
        for name in names
    ]


def _tests(
    first: MeasuredSetting, second: MeasuredSetting, primary: Container[str]
) -> dict[str, Mapping[str, float | None]]:
    """The p-values of all tests, by the name of the test's field and the name of the value."""
    over_images, over_seeds = image_p_values(first, second), seed_p_values(first, second)
    return {
        "p_images": over_images,
        "p_images_holm": corrected_p_values(over_images, primary),
        "p_seeds": over_seeds,
        "p_seeds_holm": corrected_p_values(over_seeds, primary),
        "p_mcnemar": single_run_mcnemar(first, second),
    }


def _interval(first: MeasuredSetting, second: MeasuredSetting, name: str) -> Interval | None:
    estimates = [setting.estimates[name] for setting in (first, second) if name in setting.estimates]
    return difference_interval(*estimates) if len(estimates) == 2 else None
