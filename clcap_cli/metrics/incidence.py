"""Incidence matrices of items (words, bigrams or captions) and images, and distinct items in a resample."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.metrics.statistic import Statistic

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

RESAMPLES_PER_BLOCK = 100
"""Resamples counted in one pass, which limits memory."""


def incidence_matrix(items: Sequence[Sequence[Hashable]], columns: dict[Hashable, int]) -> "csr_matrix":
    """(N, distinct items) 1 where an image has the item; new items are added to ``columns``."""
    from scipy.sparse import csr_matrix

    found = [dict.fromkeys(columns.setdefault(item, len(columns)) for item in group) for group in items]
    column = np.array([index for group in found for index in group], dtype=np.int64)
    image = np.repeat(np.arange(len(items)), [len(group) for group in found])
    return csr_matrix((np.ones(len(column)), (image, column)), shape=(len(items), len(columns)))


def count_distinct(weights: np.ndarray, items: "csr_matrix") -> np.ndarray:
    """(resamples,) number of distinct items of the drawn images."""
    return np.concatenate([_drawn(block, items).sum(0) for block in _blocks(weights)]).astype(np.float64)


def share_covered(weights: np.ndarray, items: "csr_matrix", reference_items: "csr_matrix") -> np.ndarray:
    """(resamples,) share of the distinct ``reference_items`` that also occur in ``items``."""
    both = [(_drawn(block, items) & _drawn(block, reference_items)).sum(0) for block in _blocks(weights)]
    return np.concatenate(both) / np.maximum(count_distinct(weights, reference_items), 1)


def distinct_share(items: "csr_matrix", totals: np.ndarray) -> Statistic:
    """Distinct items as a share of all items; ``totals`` (N,) are the numbers of items of the images."""
    return Statistic(
        lambda weights: count_distinct(weights, items) / np.maximum(weights @ totals, 1), counts_distinct=True
    )


def _blocks(weights: np.ndarray) -> list[np.ndarray]:
    return [weights[first : first + RESAMPLES_PER_BLOCK] for first in range(0, len(weights), RESAMPLES_PER_BLOCK)]


def _drawn(weights: np.ndarray, items: "csr_matrix") -> np.ndarray:
    """(items, resamples) whether any drawn image has the item."""
    return items.T @ weights.T > 0
