"""Whether two runs differ, where the bootstrap cannot say: the sign-flip (paired permutation) test.

If the two runs are alike, which of an image's two captions is whose is a toss-up. So the difference that was found is
set among those that come out when the runs exchange some of their images, for any value, also of the whole corpus.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from clcap_cli.metrics.statistic import Statistic

FEWEST = 6
"""Images: with fewer, even the most extreme of all exchanges has p = 2 / 2⁵ = 0.0625."""
ALL_UP_TO = 13
"""Images of which every exchange is made; of more, DRAWN ones."""
DRAWN = 4096
TIE = 1e-9
"""Differences that are no further apart than this count as equal: rounding."""
Images = Sequence[Mapping[str, Any]]
StatisticsOf = Callable[[Images], Mapping[str, Statistic]]


def sign_flip_p(
    first: Sequence[Images], second: Sequence[Images], names: Iterable[str], statistics_of: StatisticsOf, seed: int = 0
) -> dict[str, float]:
    """p of the hypothesis that there is no difference, two-sided, for each of the values ``names``.

    ``first`` and ``second`` are the runs of the two sides, with the same images in the same order. Exact for up to 13
    images; beyond that exchanges are drawn, and the one that was found is counted among them, which keeps the test's
    level (Phipson & Smyth 2010).
    """
    exchanged = _exchanges(len(first[0]), seed)
    pairs = [_differences(statistics_of([*one, *other]), names, exchanged) for one, other in product(first, second)]
    means = {name: np.mean([pair[name] for pair in pairs], axis=0) for name in pairs[0]}
    return {name: float(np.mean(np.abs(found) >= abs(found[0]) - TIE)) for name, found in means.items()}


def _exchanges(images: int, seed: int) -> np.ndarray:
    """(exchanges, images): 1 where the runs exchange an image; the first exchanges none.

    The last image always stays: exchanging the others instead gives the same difference with the other sign.
    """
    if images <= ALL_UP_TO:
        numbers = np.arange(2 ** (images - 1))
        return (numbers[:, None] >> np.arange(images) & 1).astype(np.float64)
    drawn = np.random.default_rng(seed).integers(0, 2, size=(DRAWN + 1, images)).astype(np.float64)
    drawn[0] = 0
    return drawn


def _differences(both: Mapping[str, Statistic], names: Iterable[str], exchanged: np.ndarray) -> dict[str, np.ndarray]:
    """(exchanges,) second less first of each value; ``both`` are of the first's images and then the second's."""
    mine, theirs = np.hstack([1 - exchanged, exchanged]), np.hstack([exchanged, 1 - exchanged])
    return {name: both[name].of(theirs) - both[name].of(mine) for name in names}
