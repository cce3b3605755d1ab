"""Significance of the differences between two settings, each with one run or with runs of several seeds."""

from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clcap_cli.artifacts.comparisons import Verdict
from clcap_cli.metrics.bootstrap import Estimate, Interval, Resamples, difference_interval, estimate, p_value, varies
from clcap_cli.metrics.holm import holm_corrected
from clcap_cli.metrics.mcnemar import mcnemar_p_values
from clcap_cli.metrics.multiple_captions import find_info, reported_statistics
from clcap_cli.metrics.permutation_test import MIN_IMAGES, TOLERANCE, ImageEntries, sign_flip_p_values
from clcap_cli.metrics.predictions import Context, Predictions, predictions_from_entries
from clcap_cli.metrics.registry import all_metrics, scale_of
from clcap_cli.metrics.seed_test import seed_test
from clcap_cli.metrics.statistic import Statistic

SIGNIFICANCE_LEVEL = 0.05
MIN_BOOTSTRAP_IMAGES = 50
"""Fewest images for which p comes from the bootstrap; with fewer images its p-values are too small."""


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


@dataclass(frozen=True)
class MeasuredSetting:
    """The runs of one setting and their values."""

    runs: Sequence[ImageEntries]
    seeds: Sequence[Hashable]
    """A different seed for each run; runs of two settings with the same seeds are compared in pairs."""
    context: Context
    values: dict[str, list[float]]
    """Values of each run, by name."""
    estimates: dict[str, Estimate]
    """Means over the runs, by name, of the values that have valid intervals."""

    def mean(self, name: str) -> float:
        """The mean over the runs of the value ``name``."""
        return float(np.mean(self.values[name]))

    def spread(self, name: str) -> float:
        """The standard deviation over the runs of the value ``name``; 0 for a single run."""
        values = self.values[name]
        return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def measure_setting(
    runs: Sequence[ImageEntries], seeds: Sequence[Hashable], context: Context, resamples: Resamples
) -> MeasuredSetting:
    """Measure every run of a setting on the same resamples; the runs have the same images in the same order."""
    statistics = [all_statistics(predictions_from_entries(images, context)) for images in runs]
    names = [name for name in statistics[0] if all(name in of_run for of_run in statistics)]
    return MeasuredSetting(
        runs,
        seeds,
        context,
        {name: [of_run[name].value(resamples.images) for of_run in statistics] for name in names},
        {
            name: _mean_estimate(name, [of_run[name] for of_run in statistics], resamples)
            for name in names
            if statistics[0][name].has_interval
        },
    )


def _mean_estimate(name: str, of_runs: Sequence[Statistic], resamples: Resamples) -> Estimate:
    """The mean over the runs of the value ``name``."""
    value = float(np.mean([statistic.value(resamples.images) for statistic in of_runs]))
    resampled = np.mean([resamples.evaluate(statistic) for statistic in of_runs], axis=0)
    return estimate(value, resampled, resamples.images, scale_of(name), of_runs[0].is_quantile)


def all_statistics(predictions: Predictions) -> dict[str, Statistic]:
    """The statistics of all metrics whose columns the predictions have, by value name."""
    by_metric = (reported_statistics(metric, predictions) for metric in all_metrics())
    return {name: statistic for statistics in by_metric for name, statistic in statistics.items()}


def compare_settings(first: MeasuredSetting, second: MeasuredSetting) -> list[Difference]:
    """The differences in all values that both settings have.

    Over images: the paired bootstrap (Koehn 2004) of the means over runs, and McNemar's test of R@k for one run a side.
    Over seeds: a t-test of the runs' values.
    """
    names = [name for name in first.values if name in second.values]
    primary = primary_values(names)
    of_images, of_seeds = _p_values(first, second), seed_p_values(first, second)
    images_holm, seeds_holm = (corrected_p_values(of_test, primary) for of_test in (of_images, of_seeds))
    mcnemar = _mcnemar_p_values(first, second)
    return [
        Difference(
            name,
            name in primary,
            first.mean(name),
            second.mean(name),
            (first.spread(name), second.spread(name)),
            _interval(first, second, name),
            bool(of_seeds),
            *(found.get(name) for found in (of_images, images_holm, of_seeds, seeds_holm, mcnemar)),
        )
        for name in names
    ]


def primary_values(names: Iterable[str]) -> set[str]:
    """Those of the values ``names`` that are primary."""
    pairs = [(metric, name) for metric in all_metrics() for name in names]
    return {name for metric, name in pairs if (info := find_info(metric, name)) and info.primary}


def corrected_p_values(p_values: Mapping[str, float | None], primary: Container[str]) -> dict[str, float]:
    """The p-values after Holm's correction, of the values ``primary`` and of all others separately."""
    tested = {name: p for name, p in p_values.items() if p is not None}
    families = [{name: p for name, p in tested.items() if (name in primary) == main} for main in (True, False)]
    return {name: p for family in families for name, p in holm_corrected(family).items()}


def seed_p_values(first: MeasuredSetting, second: MeasuredSetting) -> dict[str, float | None]:
    """The p-values over seeds of all shared values; empty if a setting has a single run."""
    test = seed_test(first.seeds, second.seeds)
    if test is None:
        return {}
    return {
        name: test.p_value(values, second.values[name])
        for name, values in first.values.items()
        if name in second.values
    }


def _mcnemar_p_values(first: MeasuredSetting, second: MeasuredSetting) -> dict[str, float]:
    single = len(first.runs) == len(second.runs) == 1
    return mcnemar_p_values(first.runs[0], second.runs[0]) if single else {}


def _interval(first: MeasuredSetting, second: MeasuredSetting, name: str) -> Interval | None:
    estimates = [setting.estimates[name] for setting in (first, second) if name in setting.estimates]
    return difference_interval(*estimates) if len(estimates) == 2 else None


def _p_values(first: MeasuredSetting, second: MeasuredSetting) -> dict[str, float | None]:
    """The p-values of the shared values that have intervals, by the bootstrap, or by sign flips where it is invalid."""
    resampled = {
        name: second.estimates[name].resampled - one.resampled
        for name, one in first.estimates.items()
        if name in second.estimates
    }
    images = len(first.runs[0])
    if images < MIN_IMAGES:
        return dict.fromkeys(resampled)
    different = {name: values for name, values in resampled.items() if np.abs(values).max() > TOLERANCE}
    flipped = [name for name, values in different.items() if images < MIN_BOOTSTRAP_IMAGES or not varies(values)]
    p_values = _sign_flip_p_values(first, second, flipped) if flipped else {}
    p_values |= {name: p_value(values, images) for name, values in different.items() if name not in p_values}
    return {name: p_values.get(name, 1.0) for name in resampled}


def _sign_flip_p_values(first: MeasuredSetting, second: MeasuredSetting, names: Sequence[str]) -> dict[str, float]:
    def statistics_of(images: ImageEntries) -> dict[str, Statistic]:
        return all_statistics(predictions_from_entries(images, first.context))

    return sign_flip_p_values(first.runs, second.runs, names, statistics_of)
