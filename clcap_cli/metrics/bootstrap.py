"""Confidence intervals and p-values of metric values, by resampling the images."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np

from clcap_cli.metrics.statistic import Statistic

RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)
"""Ends of a 95% interval."""
Z_95 = 1.959964
"""Half-width of a 95% interval of the normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Resamples:
    """The resamples of one seed, shared by all values and all compared runs; float32, which holds them exactly."""

    bootstrap: np.ndarray
    """(resamples, images) times that each image is drawn, with replacement (Efron 1979)."""
    halves: np.ndarray
    """(resamples, images) 1 for the images of a half-sample, drawn without replacement."""

    @property
    def images(self) -> int:
        """The number of images."""
        return self.halves.shape[1]

    def evaluate(self, statistic: Statistic) -> np.ndarray:
        """(resamples,) values of the statistic.

        A statistic that counts distinct items is evaluated on half-samples. If its value grows with the number of
        images, the result is the difference between the two halves divided by √2, whose spread is that of the value
        of half as many images.
        """
        if statistic.grows_with_images:
            return (statistic.compute(self.halves) - statistic.compute(1 - self.halves)) / np.sqrt(2)
        return statistic.compute(self.halves if statistic.counts_distinct else self.bootstrap)


def draw_resamples(images: int, seed: int, resamples: int = RESAMPLES) -> Resamples:
    """Draw resamples of ``images`` images."""
    rng = np.random.default_rng(seed)
    bootstrap = rng.multinomial(images, np.full(images, 1 / images), size=resamples)
    order = np.argsort(rng.random((resamples, images)), axis=1)
    return Resamples(bootstrap.astype(np.float32), (order < max(1, images // 2)).astype(np.float32))


def confidence_interval(statistic: Statistic, centre: float, resampled: np.ndarray) -> tuple[float, float]:
    """The 95% confidence interval of a value, or of a difference, from its resampled values.

    The percentiles of the bootstrap (Efron 1979). For a statistic that counts distinct items, ``centre`` ± 1.96
    standard deviations over half-samples, whose spread equals that of whole samples (delete-half jackknife, Shao & Wu
    1989).
    """
    if statistic.counts_distinct:
        half_width = Z_95 * float(np.std(resampled))
        return centre - half_width, centre + half_width
    low, high = np.percentile(resampled, PERCENTILES)
    return float(low), float(high)


def values_and_intervals(
    statistics: Mapping[str, Statistic], resamples: Resamples
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """The values over all images and their 95% confidence intervals; with a single image there are no intervals."""
    values = {name: statistic.value(resamples.images) for name, statistic in statistics.items()}
    if resamples.images < 2:
        return values, {}
    return values, {
        name: confidence_interval(statistic, values[name], resamples.evaluate(statistic))
        for name, statistic in statistics.items()
    }


def p_value(statistic: Statistic, difference: float, resampled: np.ndarray) -> float:
    """The two-sided p-value of the null hypothesis of no difference, from the resampled differences."""
    if statistic.counts_distinct:
        return _normal_p_value(difference / float(np.std(resampled)))
    below, above = (resampled <= 0).sum(), (resampled >= 0).sum()
    return float(min(1.0, 2 * (min(below, above) + 1) / (len(resampled) + 1)))


def varies(resampled: np.ndarray) -> bool:
    """Whether resampled values differ by more than rounding errors; otherwise they give no p-value."""
    return bool(np.ptp(resampled) > 1e-9 * max(1.0, float(np.abs(resampled).max())))


def _normal_p_value(z: float) -> float:
    return erfc(abs(z) / sqrt(2))
