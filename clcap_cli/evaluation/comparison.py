"""Significance of the differences between two settings, each with one run or with runs of several seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clcap_cli.artifacts.comparisons import Verdict
from clcap_cli.metrics.bootstrap import Resamples, confidence_interval, p_value, varies
from clcap_cli.metrics.multiple_captions import reported_statistics
from clcap_cli.metrics.permutation_test import MIN_IMAGES, ImageEntries, sign_flip_p_values
from clcap_cli.metrics.predictions import Context, Predictions, predictions_from_entries
from clcap_cli.metrics.registry import all_metrics
from clcap_cli.metrics.statistic import Statistic

SIGNIFICANCE_LEVEL = 0.05
MIN_BOOTSTRAP_IMAGES = 50
"""Fewest images for which p comes from the bootstrap; with fewer images its p-values are too small."""


@dataclass(frozen=True)
class Difference:
    """The difference between two settings in one value."""

    name: str
    first: float
    """Mean over the runs of the first setting."""
    second: float
    """Mean over the runs of the second setting."""
    spreads: tuple[float, float]
    """Standard deviations over the runs of each setting; 0 for a single run."""
    interval: tuple[float, float]
    """95% confidence interval of second - first, over images."""
    p: float | None
    """Two-sided p-value of this value alone; None if there are too few images."""

    @property
    def difference(self) -> float:
        """Second - first."""
        return self.second - self.first

    @property
    def verdict(self) -> Verdict:
        """How the second setting compares with the first."""
        if self.difference == 0 and self.interval == (0, 0):
            return "same"
        if self.p is None:
            return "too few images"
        if self.p >= SIGNIFICANCE_LEVEL:
            return "not significant"
        return "higher" if self.difference > 0 else "lower"

    @property
    def significant(self) -> bool:
        """Whether the difference is significant."""
        return self.verdict in ("higher", "lower")


@dataclass(frozen=True)
class MeasuredSetting:
    """The runs of one setting and their values."""

    runs: Sequence[ImageEntries]
    context: Context
    statistics: dict[str, Statistic]
    """Statistics of the first run, whose kinds are those of all runs."""
    values: dict[str, list[float]]
    """Values of each run, by name."""
    resampled: dict[str, np.ndarray]
    """(resamples,) means over the runs, by name."""

    def mean(self, name: str) -> float:
        """The mean over the runs of the value ``name``."""
        return float(np.mean(self.values[name]))

    def spread(self, name: str) -> float:
        """The standard deviation over the runs of the value ``name``; 0 for a single run."""
        values = self.values[name]
        return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def measure_setting(runs: Sequence[ImageEntries], context: Context, resamples: Resamples) -> MeasuredSetting:
    """Measure every run of a setting on the same resamples; the runs have the same images in the same order."""
    statistics = [all_statistics(predictions_from_entries(images, context)) for images in runs]
    names = [name for name in statistics[0] if all(name in of_run for of_run in statistics)]
    return MeasuredSetting(
        runs,
        context,
        statistics[0],
        {name: [of_run[name].value(resamples.images) for of_run in statistics] for name in names},
        {name: np.mean([resamples.evaluate(of_run[name]) for of_run in statistics], axis=0) for name in names},
    )


def all_statistics(predictions: Predictions) -> dict[str, Statistic]:
    """The statistics of all metrics whose columns the predictions have, by value name."""
    by_metric = (reported_statistics(metric, predictions) for metric in all_metrics())
    return {name: statistic for statistics in by_metric for name, statistic in statistics.items()}


def compare_settings(first: MeasuredSetting, second: MeasuredSetting) -> list[Difference]:
    """The differences in all values that both settings have, by paired resampling of the images (Koehn 2004)."""
    p_values = _p_values(first, second)
    return [_difference(first, second, name, p) for name, p in p_values.items()]


def _difference(first: MeasuredSetting, second: MeasuredSetting, name: str, p: float | None) -> Difference:
    means, spreads = (first.mean(name), second.mean(name)), (first.spread(name), second.spread(name))
    resampled = second.resampled[name] - first.resampled[name]
    interval = confidence_interval(first.statistics[name], means[1] - means[0], resampled)
    return Difference(name, *means, spreads, interval, p)


def _p_values(first: MeasuredSetting, second: MeasuredSetting) -> dict[str, float | None]:
    """The p-values of all shared values: from the bootstrap, or from the sign-flip test where that is not valid."""
    resampled = {name: second.resampled[name] - first.resampled[name] for name in first.values if name in second.values}
    images = len(first.runs[0])
    if images < MIN_IMAGES:
        return dict.fromkeys(resampled)
    flipped = [name for name, values in resampled.items() if images < MIN_BOOTSTRAP_IMAGES or not varies(values)]
    p_values = _sign_flip_p_values(first, second, flipped) if flipped else {}
    return {
        name: p_values[name]
        if name in p_values
        else p_value(first.statistics[name], second.mean(name) - first.mean(name), values)
        for name, values in resampled.items()
    }


def _sign_flip_p_values(first: MeasuredSetting, second: MeasuredSetting, names: Sequence[str]) -> dict[str, float]:
    def statistics_of(images: ImageEntries) -> dict[str, Statistic]:
        return all_statistics(predictions_from_entries(images, first.context))

    return sign_flip_p_values(first.runs, second.runs, names, statistics_of)
