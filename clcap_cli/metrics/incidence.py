"""Which words, pairs of words or captions occur with which images, and how many different ones in a resample."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.metrics.statistic import Statistic

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

AT_ONCE = 100
"""Resamples for which every different item is counted at once."""


def incidence(items: Sequence[Sequence[Hashable]], columns: dict[Hashable, int]) -> "csr_matrix":
    """(N, different items): 1 where an image has the item; ``columns`` grows by the new items."""
    from scipy.sparse import csr_matrix

    found = [dict.fromkeys(columns.setdefault(item, len(columns)) for item in own) for own in items]
    column = np.array([at for own in found for at in own], dtype=np.int64)
    image = np.repeat(np.arange(len(items)), [len(own) for own in found])
    return csr_matrix((np.ones(len(column)), (image, column)), shape=(len(items), len(columns)))


def distinct(weights: np.ndarray, items: "csr_matrix") -> np.ndarray:
    """(resamples,) how many different items the drawn images have."""
    blocks = [weights[first : first + AT_ONCE] for first in range(0, len(weights), AT_ONCE)]
    return np.concatenate([_seen(block, items).sum(0) for block in blocks]).astype(np.float64)


def share_of(weights: np.ndarray, items: "csr_matrix", known: "csr_matrix") -> np.ndarray:
    """(resamples,) the share of the items of ``known`` that are also in ``items``."""
    blocks = [weights[first : first + AT_ONCE] for first in range(0, len(weights), AT_ONCE)]
    both = [(_seen(block, items) & _seen(block, known)).sum(0) for block in blocks]
    return np.concatenate(both) / np.maximum(distinct(weights, known), 1)


def distinct_share(items: "csr_matrix", total: np.ndarray) -> Statistic:
    """Different items as a share of all; the images have (N,) ``total`` of them."""
    return Statistic(lambda weights: distinct(weights, items) / np.maximum(weights @ total, 1), counts_distinct=True)


def _seen(weights: np.ndarray, items: "csr_matrix") -> np.ndarray:
    """(items, resamples): whether a drawn image has the item."""
    return items.T @ weights.T > 0
