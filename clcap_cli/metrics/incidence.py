"""Incidence matrices of items (words, bigrams or captions) and images, and distinct items in a resample."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.metrics.statistic import Statistic

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

RESAMPLES_PER_BLOCK = 100
"""Resamples counted in one pass, which limits memory."""
WEIGHTS = np.array([63, -57, 42, -22, 7, -1]) / 64
"""Weights of the numbers of items that occur in 1, 2, ... images, for the number of items in as many new images: with
alternating signs, the probabilities of at least 1, 2, ... heads in six throws of a coin."""
SMALLEST_SHARE = 1 / 3
"""Smallest variance as a share of the jackknife's, for samples in which the weighted numbers happen to be too small."""


def incidence_matrix(items: Sequence[Sequence[Hashable]], columns: dict[Hashable, int]) -> "csr_matrix":
    """(N, distinct items) 1 where an image has the item; new items are added to ``columns``."""
    from scipy.sparse import csr_matrix

    column = np.array([columns.setdefault(item, len(columns)) for group in items for item in group], dtype=np.int64)
    image = np.repeat(np.arange(len(items)), [len(group) for group in items])
    incidence = csr_matrix((np.ones(len(column)), (image, column)), shape=(len(items), len(columns)))
    incidence.data[:] = 1  # repeated items are summed
    return incidence


def count_distinct(weights: np.ndarray, items: "csr_matrix") -> np.ndarray:
    """(resamples,) number of distinct items of the drawn images."""
    return np.concatenate([_drawn(block, items).sum(0) for block in _blocks(weights)]).astype(np.float64)


def share_covered(weights: np.ndarray, items: "csr_matrix", reference_items: "csr_matrix") -> np.ndarray:
    """(resamples,) share of the distinct ``reference_items`` that also occur in ``items``."""
    both = [(_drawn(block, items) & _drawn(block, reference_items)).sum(0) for block in _blocks(weights)]
    return np.concatenate(both) / np.maximum(count_distinct(weights, reference_items), 1)


def distinct_share(items: "csr_matrix", totals: np.ndarray) -> Statistic:
    """Distinct items as a share of all items; ``totals`` (N,) are the numbers of items of the images."""

    def share(weights: np.ndarray) -> np.ndarray:
        return count_distinct(weights, items) / np.maximum(weights @ totals, 1)

    return Statistic(share, lambda weights: _resampled_share(weights, items, totals))


def _resampled_share(weights: np.ndarray, items: "csr_matrix", totals: np.ndarray) -> np.ndarray:
    """(resamples,) shares with the variance of the share in samples of as many images.

    Drawing images twice loses distinct items, so the share itself is not recomputed. Instead the effects of single
    images are added up, as if the share were a mean, so that some results may be no shares.
    """
    images_of_item = np.asarray(items.sum(0)).ravel()
    all_items = max(totals.sum(), 1)
    share = np.count_nonzero(images_of_item) / all_items
    lost_items = items @ (images_of_item == 1).astype(float)
    effects = _corrected(lost_items - totals * share, images_of_item)
    return share + weights @ effects / all_items


def _corrected(effects: np.ndarray, images_of_item: np.ndarray) -> np.ndarray:
    """(N,) effects whose sum is 0 and whose sum of squares is the variance of the number of distinct items.

    An image's effect is that of leaving it out: the items that occur in no other image are lost. The sum of the squares
    of these effects (the jackknife) overestimates the variance, because two images that share an item lose it only
    together (Efron & Stein 1981). The numbers of items that occur in two, three, ... images correct it: the variance is
    the number of new items that as many images more would have (Good & Toulmin 1956; weights of Efron & Thisted 1976).
    """
    effects = effects - effects.mean()
    sum_of_squares = float(effects @ effects)
    items_by_images = np.bincount(images_of_item.astype(int), minlength=len(WEIGHTS) + 1)[1 : len(WEIGHTS) + 1]
    corrected = WEIGHTS[0] * sum_of_squares + float(items_by_images[1:] @ WEIGHTS[1:])
    return effects * np.sqrt(max(corrected / sum_of_squares, SMALLEST_SHARE)) if sum_of_squares > 0 else effects


def _blocks(weights: np.ndarray) -> list[np.ndarray]:
    return [weights[first : first + RESAMPLES_PER_BLOCK] for first in range(0, len(weights), RESAMPLES_PER_BLOCK)]


def _drawn(weights: np.ndarray, items: "csr_matrix") -> np.ndarray:
    """(items, resamples) whether any drawn image has the item."""
    return items.T @ weights.T > 0
