"""Metric values as functions of image weights, so that they can be recomputed on resampled images."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clcap_cli.metrics.scale import Scale

Formula = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Statistic:
    """A metric value over N images."""

    compute: Formula
    """Maps weights (resamples, N), the number of times each image is drawn, to values (resamples,)."""
    resample: Formula | None = None
    """Replaces ``compute`` for resamples of the bootstrap where it would be biased by images that are drawn twice."""
    is_quantile: bool = False
    """Whether the value is a quantile, which jumps between the values of single images."""
    has_interval: bool = True
    """Whether resampling the images gives a valid confidence interval of the value."""
    is_comparable: bool = True
    """Whether it gives a valid interval and p-value of the difference between two runs on the same images."""
    scale: Scale | None = None
    """The range of the value; None for that of the metric's ``MetricInfo``."""

    def value(self, images: int) -> float:
        """The value over all images, each counted once."""
        return float(self.compute(np.ones((1, images)))[0])


def mean_of(values: np.ndarray, scale: Scale | None = None) -> Statistic:
    """The mean of values (N,); ``scale`` as in ``Statistic``."""
    return Statistic(lambda weights: weights @ values / weights.sum(1), scale=scale)


def function_of_sums(counts: np.ndarray, formula: Formula) -> Statistic:
    """``formula`` of the sums over images of counts (N, c); it maps (resamples, c) to (resamples,)."""
    return Statistic(lambda weights: formula(weights @ counts))


def column_of(formula: Formula, index: int) -> Formula:
    """The formula that returns column ``index`` of the result of ``formula``."""
    return lambda sums: formula(sums)[:, index]


def median_of(values: np.ndarray) -> Statistic:
    """The median of values (N,)."""
    order = np.argsort(values, kind="stable")
    ascending = values[order]

    def median(weights: np.ndarray) -> np.ndarray:
        return np.array([_weighted_median(ascending, row[order]) for row in weights])

    return Statistic(median, is_quantile=True)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The median of ascending values; if half of the weight lies below a value, the mean of the two in the middle."""
    cumulative = np.cumsum(weights)
    low, high = (np.searchsorted(cumulative, cumulative[-1] / 2, side) for side in ("left", "right"))
    return float(values[low] + values[high]) / 2
