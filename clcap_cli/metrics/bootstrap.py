"""Confidence intervals and p-values of metric values, by resampling the images with replacement (Efron 1979)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clcap_cli.metrics.registry import scale_of
from clcap_cli.metrics.scale import Scale
from clcap_cli.metrics.score_interval import Interval, score_interval
from clcap_cli.metrics.statistic import Statistic

RESAMPLES = 1000
LARGEST_BLOCK = 2**21
"""Largest number of weights that statistics are computed from together, which limits memory."""
PERCENTILES = (2.5, 97.5)
"""Ends of a 95% interval."""


@dataclass(frozen=True)
class Resamples:
    """The resamples of one seed, shared by all values and all compared runs."""

    weights: np.ndarray
    """(resamples, images) times that each image is drawn; uint8, because no image is drawn more than 255 times."""

    @property
    def images(self) -> int:
        """The number of images."""
        return self.weights.shape[1]

    def evaluate(self, *statistics: Statistic) -> list[np.ndarray]:
        """(resamples,) values of each of the statistics."""
        blocks = [self._evaluate_block(block, statistics) for block in _blocks(len(self.weights), self.images)]
        return [np.concatenate(values) for values in zip(*blocks, strict=True)]

    def _evaluate_block(self, block: slice, statistics: Sequence[Statistic]) -> list[np.ndarray]:
        weights = self.weights[block].astype(np.float64)
        return [(statistic.resample or statistic.compute)(weights) for statistic in statistics]


def draw_resamples(images: int, seed: int, resamples: int = RESAMPLES, drawn: int | None = None) -> Resamples:
    """Draw resamples of ``images`` images; the first ones do not depend on the number of resamples.

    Each consists of ``drawn`` images, by default of as many as there are.
    """
    rng, weights = np.random.default_rng(seed), np.empty((resamples, images), np.uint8)
    probabilities = np.full(images, 1 / images)
    for block in _blocks(resamples, images):
        weights[block] = rng.multinomial(drawn or images, probabilities, size=len(weights[block]))
    return Resamples(weights)


def _blocks(resamples: int, images: int) -> list[slice]:
    size = max(1, LARGEST_BLOCK // images)
    return [slice(first, first + size) for first in range(0, resamples, size)]


@dataclass(frozen=True)
class Estimate:
    """A value with its uncertainty over images."""

    value: float
    resampled: np.ndarray
    """(resamples,) values over resampled images."""
    interval: Interval
    """95% confidence interval; it contains the value and stays inside the scale."""
    images: int
    """Number of images."""
    scale: Scale
    is_quantile: bool
    """Whether the value is a quantile, whose interval consists of percentiles."""


def estimate(value: float, resampled: np.ndarray, images: int, scale: Scale, is_quantile: bool = False) -> Estimate:
    """A value over ``images`` images, with the interval for its kind."""
    if is_quantile:
        low, high = np.percentile(resampled, PERCENTILES)
        interval = float(min(low, value)), float(max(high, value))
    else:
        interval = score_interval(value, resampled, images, scale)
    return Estimate(value, resampled, interval, images, scale, is_quantile)


def difference_interval(first: Estimate, second: Estimate) -> Interval:
    """The 95% confidence interval of second - first, from the differences of the resampled values.

    It is that of a value on the scale of differences, which is symmetric about 0; for a quantile, the percentiles.
    """
    difference, resampled = second.value - first.value, second.resampled - first.resampled
    if difference == 0 and not varies(resampled):
        return 0.0, 0.0
    return estimate(
        difference, resampled, first.images, first.scale.of_differences(first.images), first.is_quantile
    ).interval


def values_and_intervals(
    statistics: Mapping[str, Statistic], resamples: Resamples
) -> tuple[dict[str, float], dict[str, Interval]]:
    """The values over all images, and the 95% confidence intervals of those that have one.

    With a single image there are no intervals.
    """
    images = resamples.images
    values = {name: statistic.value(images) for name, statistic in statistics.items()}
    if images < 2:
        return values, {}
    chosen = {name: statistic for name, statistic in statistics.items() if statistic.has_interval}
    return values, {
        name: estimate(values[name], found, images, one.scale or scale_of(name), one.is_quantile).interval
        for (name, one), found in zip(chosen.items(), resamples.evaluate(*chosen.values()), strict=True)
    }


def p_value(resampled: np.ndarray, images: int) -> float:
    """The two-sided p-value of the null hypothesis of no difference, from differences resampled over ``images``.

    It comes from the resamples on the other side of 0 (Koehn 2004). These cannot give a p below 2 / (resamples + 1);
    where there are none, it comes from Student's t distribution if that p is smaller.
    """
    from scipy.special import stdtr

    other_side = min((resampled <= 0).sum(), (resampled >= 0).sum())
    p = min(1.0, 2 * (other_side + 1) / (len(resampled) + 1))
    if other_side:
        return float(p)
    return float(min(p, 2 * stdtr(images - 1, -abs(resampled.mean()) / resampled.std())))


def varies(resampled: np.ndarray) -> bool:
    """Whether resampled values differ by more than rounding errors; otherwise they give no p-value."""
    return bool(np.ptp(resampled) > 1e-9 * max(1.0, float(np.abs(resampled).max())))
