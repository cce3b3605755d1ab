"""The sign-flip (paired permutation) test of the difference between two runs, exact for few images.

Under the null hypothesis, the captions that the two runs give an image can be swapped. The observed difference is
therefore compared with the differences after the runs swap the captions of some images. This works for any value,
including those of a whole corpus.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from math import ceil
from typing import Any

import numpy as np

from clcap_cli.metrics.statistic import Statistic

MIN_IMAGES = 6
"""Fewest images with which a difference can be significant: with 5, the smallest p is 2 / 2⁵ = 0.0625."""
MAX_EXACT_IMAGES = 13
"""Most images for which all swaps are evaluated; for more images, SAMPLED_SWAPS are drawn."""
SAMPLED_SWAPS = 4096
LARGEST_PART = 2**20
"""Largest number of weights that are evaluated together."""
TOLERANCE = 1e-9
"""Rounding error below which two differences count as equal."""
ImageEntries = Sequence[Mapping[str, Any]]
"""The images' entries of a metrics file."""
StatisticsOf = Callable[[ImageEntries], Mapping[str, Statistic]]


def sign_flip_p_values(
    first: Sequence[ImageEntries],
    second: Sequence[ImageEntries],
    names: Iterable[str],
    swapped: Sequence[int],
    statistics_of: StatisticsOf,
    seed: int = 0,
) -> dict[str, float]:
    """The two-sided p-values of the null hypothesis of no difference, for each of the values ``names``.

    ``first`` and ``second`` are the runs of two settings, with the same images in the same order; ``swapped`` are the
    positions of the images that differ. The test is exact for up to 13 of these. For more, swaps are sampled and the
    observed difference is included, which preserves the test's level (Phipson & Smyth 2010).
    """
    swaps = _swaps(swapped, len(first[0]), seed)
    pairs = [_differences(statistics_of([*run, *other]), names, swaps) for run, other in product(first, second)]
    means = {name: np.mean([pair[name] for pair in pairs], axis=0) for name in pairs[0]}
    return {
        name: float(np.mean(np.abs(differences) >= abs(differences[0]) - TOLERANCE))
        for name, differences in means.items()
    }


def _swaps(swapped: Sequence[int], images: int, seed: int) -> np.ndarray:
    """(swaps, images) 1 where the runs swap an image's captions, 0 for images not ``swapped``; the first row is 0."""
    drawn = _drawn_swaps(len(swapped), seed)
    swaps = np.zeros((len(drawn), images))
    swaps[:, list(swapped)] = drawn
    return swaps


def _drawn_swaps(images: int, seed: int) -> np.ndarray:
    """(swaps, images) all swaps of few images, or swaps drawn at random.

    Of few images, the last is never swapped, because swapping all others instead only changes the difference's sign.
    """
    if images <= MAX_EXACT_IMAGES:
        numbers = np.arange(2 ** max(images - 1, 0))
        return numbers[:, None] >> np.arange(images) & 1
    swaps = np.random.default_rng(seed).integers(0, 2, size=(SAMPLED_SWAPS + 1, images))
    swaps[0] = 0
    return swaps


def _differences(both: Mapping[str, Statistic], names: Iterable[str], swaps: np.ndarray) -> dict[str, np.ndarray]:
    """(swaps,) second - first of each value; ``both`` are statistics of the first run's images, then the second's."""
    parts = [
        (np.hstack([1 - part, part]), np.hstack([part, 1 - part]))
        for part in np.array_split(swaps, ceil(swaps.size / LARGEST_PART))
    ]
    return {
        name: np.concatenate([both[name].compute(second) - both[name].compute(first) for first, second in parts])
        for name in names
    }
