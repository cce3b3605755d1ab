"""The sign-flip (paired permutation) test of the difference between two runs, exact for few images.

Under the null hypothesis, the captions that the two runs give an image can be swapped. The observed difference is
therefore compared with the differences after the runs swap the captions of some images. This works for any value,
including those of a whole corpus.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from clcap_cli.metrics.statistic import Statistic

MIN_IMAGES = 6
"""Fewest images with which a difference can be significant: with 5, the smallest p is 2 / 2⁵ = 0.0625."""
MAX_EXACT_IMAGES = 13
"""Most images for which all swaps are evaluated; for more images, SAMPLED_SWAPS are drawn."""
SAMPLED_SWAPS = 4096
TOLERANCE = 1e-9
"""Rounding error below which two differences count as equal."""
ImageEntries = Sequence[Mapping[str, Any]]
"""The images' entries of a metrics file."""
StatisticsOf = Callable[[ImageEntries], Mapping[str, Statistic]]


def sign_flip_p_values(
    first: Sequence[ImageEntries],
    second: Sequence[ImageEntries],
    names: Iterable[str],
    statistics_of: StatisticsOf,
    seed: int = 0,
) -> dict[str, float]:
    """The two-sided p-values of the null hypothesis of no difference, for each of the values ``names``.

    ``first`` and ``second`` are the runs of two settings, with the same images in the same order. The test is exact for
    up to 13 images. For more, swaps are sampled and the observed difference is included, which preserves the test's
    level (Phipson & Smyth 2010).
    """
    swaps = _swaps(len(first[0]), seed)
    pairs = [_differences(statistics_of([*run, *other]), names, swaps) for run, other in product(first, second)]
    means = {name: np.mean([pair[name] for pair in pairs], axis=0) for name in pairs[0]}
    return {
        name: float(np.mean(np.abs(differences) >= abs(differences[0]) - TOLERANCE))
        for name, differences in means.items()
    }


def _swaps(images: int, seed: int) -> np.ndarray:
    """(swaps, images) 1 where the runs swap an image's captions; the first row is 0.

    The last image is never swapped, because swapping all other images instead only changes the sign of the difference.
    """
    if images <= MAX_EXACT_IMAGES:
        numbers = np.arange(2 ** (images - 1))
        return (numbers[:, None] >> np.arange(images) & 1).astype(np.float64)
    swaps = np.random.default_rng(seed).integers(0, 2, size=(SAMPLED_SWAPS + 1, images)).astype(np.float64)
    swaps[0] = 0
    return swaps


def _differences(both: Mapping[str, Statistic], names: Iterable[str], swaps: np.ndarray) -> dict[str, np.ndarray]:
    """(swaps,) second - first of each value; ``both`` are statistics of the first run's images, then the second's."""
    first, second = np.hstack([1 - swaps, swaps]), np.hstack([swaps, 1 - swaps])
    return {name: both[name].compute(second) - both[name].compute(first) for name in names}
