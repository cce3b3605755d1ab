"""How sure a value is, and a difference of values: resampling the images."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np

from clcap_cli.metrics.statistic import Statistic, value

RESAMPLES = 1000
TAILS = (2.5, 97.5)
"""Percent: the ends of a 95% interval."""
NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Draws:
    """The resamples of one seed, the same for every value and every run that is compared; float32, which is exact."""

    with_repeats: np.ndarray
    """(resamples, images): as many images as there are, drawn with repeats (Efron's bootstrap)."""
    halves: np.ndarray
    """(resamples, images): half of the images, without repeats."""

    @property
    def images(self) -> int:
        """How many there are."""
        return self.halves.shape[1]

    def of(self, statistic: Statistic) -> np.ndarray:
        """(resamples,) the value in each resample of the kind that suits it.

        Of what grows, one half's less the other half's, over √2: it spreads as the value of half as many images does.
        """
        if statistic.grows:
            return (statistic.of(self.halves) - statistic.of(1 - self.halves)) / np.sqrt(2)
        return statistic.of(self.halves if statistic.counts_distinct else self.with_repeats)


def draw(images: int, seed: int, resamples: int = RESAMPLES) -> Draws:
    """Draw resamples of so many images."""
    rng = np.random.default_rng(seed)
    with_repeats = rng.multinomial(images, np.full(images, 1 / images), size=resamples)
    order = np.argsort(rng.random((resamples, images)), axis=1)
    return Draws(with_repeats.astype(np.float32), (order < max(1, images // 2)).astype(np.float32))


def interval(statistic: Statistic, centre: float, resampled: np.ndarray) -> tuple[float, float]:
    """The 95% confidence interval of a value, or of a difference, from its resampled values.

    The percentiles of the bootstrap (Efron 1979); for what counts distinct things, ``centre`` ± 1.96 standard
    deviations over half samples, which spread as whole samples would (the delete-half jackknife, Shao & Wu 1989).
    """
    if statistic.counts_distinct:
        reach = NORMAL_95 * float(np.std(resampled))
        return centre - reach, centre + reach
    low, high = np.percentile(resampled, TAILS)
    return float(low), float(high)


def measured(
    statistics: Mapping[str, Statistic], draws: Draws
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """The values over all images, and the 95% confidence interval of each; a single image has none."""
    values = {name: value(statistic, draws.images) for name, statistic in statistics.items()}
    if draws.images < 2:
        return values, {}
    return values, {
        name: interval(statistic, values[name], draws.of(statistic)) for name, statistic in statistics.items()
    }


def p_value(statistic: Statistic, difference: float, resampled: np.ndarray) -> float:
    """Of the hypothesis that there is no difference, two-sided, from the difference's resampled values."""
    if statistic.counts_distinct:
        return _normal_tails(difference / float(np.std(resampled)))
    below, above = (resampled <= 0).sum(), (resampled >= 0).sum()
    return float(min(1.0, 2 * (min(below, above) + 1) / (len(resampled) + 1)))


def spreads(resampled: np.ndarray) -> bool:
    """Whether resampled values differ by more than rounding: from values that do not, no p-value follows."""
    return bool(np.ptp(resampled) > 1e-9 * max(1.0, float(np.abs(resampled).max())))


def _normal_tails(z: float) -> float:
    return erfc(abs(z) / sqrt(2))
