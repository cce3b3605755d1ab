"""Words and pairs of words of predictions, counted once for the metrics that share them."""

from collections.abc import Hashable
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.metrics.incidence import incidence
from clcap_cli.metrics.predictions import Predictions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def words_of(predictions: Predictions) -> list[list[str]]:
    """(C,) the words of each caption."""
    return [text.split() for text in predictions.captions]


def pairs_of(predictions: Predictions) -> list[list[tuple[str, str]]]:
    """(C,) the pairs of neighbouring words of each caption."""
    return [list(pairwise(words)) for words in predictions.once(words_of)]


def lengths_of(predictions: Predictions) -> np.ndarray:
    """(C,) words of each caption."""
    return np.array([len(words) for words in predictions.once(words_of)], dtype=np.float64)


def pairs_per_caption(predictions: Predictions) -> np.ndarray:
    """(C,) pairs of neighbouring words of each caption."""
    return np.maximum(lengths_of(predictions) - 1, 0)


def word_incidence(predictions: Predictions) -> "tuple[csr_matrix, csr_matrix]":
    """Which words the captions of each image have, and its references: (N, words) each, by the same columns."""
    references = [[word for text in group for word in text.split()] for group in predictions.references]
    columns: dict[Hashable, int] = {}
    used = incidence(_chained(predictions, words_of(predictions)), columns)
    known = incidence(references, columns)
    used.resize(known.shape)
    return used, known


def pair_incidence(predictions: Predictions) -> "csr_matrix":
    """(N, pairs): which pairs of neighbouring words the captions of each image have."""
    return incidence(_chained(predictions, pairs_of(predictions)), {})


def _chained(predictions: Predictions, items: list) -> list[list]:
    return [list(chain.from_iterable(own)) for own in predictions.by_image(items)]
