"""Values over images as functions of how often each image is drawn, so that every one of them can be resampled."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Formula = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Statistic:
    """A value that is measured over N images."""

    of: Formula
    """(resamples, N) how often each image is drawn -> (resamples,); with every image once it is the value itself."""
    counts_distinct: bool = False
    """Whether it counts different things, of which a resample with repeats has too few."""
    grows: bool = False
    """Whether such a count goes on growing with the number of images, as a vocabulary does."""


def value(statistic: Statistic, images: int) -> float:
    """The value over all images, each once."""
    return float(statistic.of(np.ones((1, images)))[0])


def mean_of(values: np.ndarray) -> Statistic:
    """The mean of (N,) values."""
    return Statistic(lambda weights: weights @ values / weights.sum(1))


def of_sums(counts: np.ndarray, formula: Formula) -> Statistic:
    """What ``formula`` makes of (N, c) counts, added up over the images: it maps (resamples, c) to (resamples,)."""
    return Statistic(lambda weights: formula(weights @ counts))


def part(formula: Formula, at: int) -> Formula:
    """One column of what ``formula`` gives."""
    return lambda sums: formula(sums)[:, at]


def median_of(values: np.ndarray) -> Statistic:
    """The median of (N,) values."""
    order = np.argsort(values, kind="stable")

    def median(weights: np.ndarray) -> np.ndarray:
        reached = np.cumsum(weights[:, order], axis=1)
        half = reached[:, -1:] / 2
        # Where exactly half of the images lie below, the median is the middle between two values.
        low, high = (reached >= half).argmax(1), (reached > half).argmax(1)
        return (values[order][low] + values[order][high]) / 2

    return Statistic(median)
