"""How sure a figure is, and a difference of figures: resampling the images.

A figure here is a function of how often each image is drawn: (resamples, images) -> (resamples,). With every image
drawn once it is the figure itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np

RESAMPLES = 1000
TAILS = (2.5, 97.5)
"""Percent: the ends of a 95% interval."""
NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Figure:
    """Something that is measured over images."""

    of: Callable[[np.ndarray], np.ndarray]
    """(resamples, images) how often each image is drawn -> (resamples,)."""
    counts_distinct: bool = False
    """Whether it counts different things, of which a resample with repeats has too few."""
    grows: bool = False
    """Whether such a count goes on growing with the number of images, as a vocabulary does."""


@dataclass(frozen=True)
class Draws:
    """The resamples of one seed, the same for every figure and every run that is compared; float32, which is exact."""

    with_repeats: np.ndarray
    """(resamples, images): as many images as there are, drawn with repeats (Efron's bootstrap)."""
    halves: np.ndarray
    """(resamples, images): half of the images, without repeats."""

    @property
    def images(self) -> int:
        """How many there are."""
        return self.halves.shape[1]

    def of(self, figure: Figure) -> np.ndarray:
        """(resamples,) the figure in each resample of the kind that suits it.

        Of what grows, one half's less the other half's, over √2: it spreads as the figure of half as many images does.
        """
        if figure.grows:
            return (figure.of(self.halves) - figure.of(1 - self.halves)) / np.sqrt(2)
        return figure.of(self.halves if figure.counts_distinct else self.with_repeats)


def value(figure: Figure, images: int) -> float:
    """The figure over all images, each once."""
    return float(figure.of(np.ones((1, images)))[0])


def draw(images: int, seed: int, resamples: int = RESAMPLES) -> Draws:
    """Draw resamples of so many images."""
    rng = np.random.default_rng(seed)
    with_repeats = rng.multinomial(images, np.full(images, 1 / images), size=resamples)
    order = np.argsort(rng.random((resamples, images)), axis=1)
    return Draws(with_repeats.astype(np.float32), (order < max(1, images // 2)).astype(np.float32))


def interval(figure: Figure, centre: float, resampled: np.ndarray) -> tuple[float, float]:
    """The 95% confidence interval of a figure, or of a difference, from its resampled values.

    The percentiles of the bootstrap (Efron 1979); for what counts distinct things, ``centre`` ± 1.96 standard
    deviations over half samples, which spread as whole samples would (the delete-half jackknife, Shao & Wu 1989).
    """
    if figure.counts_distinct:
        reach = NORMAL_95 * float(np.std(resampled))
        return centre - reach, centre + reach
    low, high = np.percentile(resampled, TAILS)
    return float(low), float(high)


def measured(figures: Mapping[str, Figure], draws: Draws) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """The figures over all images, and the 95% confidence interval of each; a single image has none."""
    values = {name: value(figure, draws.images) for name, figure in figures.items()}
    if draws.images < 2:
        return values, {}
    return values, {name: interval(figure, values[name], draws.of(figure)) for name, figure in figures.items()}


def p_value(figure: Figure, difference: float, resampled: np.ndarray) -> float:
    """Of the hypothesis that there is no difference, two-sided, from the difference's resampled values."""
    if figure.counts_distinct:
        return _normal_tails(difference / float(np.std(resampled)))
    below, above = (resampled <= 0).sum(), (resampled >= 0).sum()
    return float(min(1.0, 2 * (min(below, above) + 1) / (len(resampled) + 1)))


def spreads(resampled: np.ndarray) -> bool:
    """Whether resampled values differ by more than rounding: from values that do not, no p-value follows."""
    return bool(np.ptp(resampled) > 1e-9 * max(1.0, float(np.abs(resampled).max())))


def _normal_tails(z: float) -> float:
    return erfc(abs(z) / sqrt(2))
