"""Words and bigrams of predictions, counted once for all metrics that use them."""

from collections.abc import Hashable
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.metrics.incidence import incidence_matrix
from clcap_cli.metrics.predictions import Predictions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def words_of(predictions: Predictions) -> list[list[str]]:
    """(C,) lists of the words of each caption."""
    return [text.split() for text in predictions.captions]


def bigrams_of(predictions: Predictions) -> list[list[tuple[str, str]]]:
    """(C,) lists of the bigrams of each caption."""
    return [list(pairwise(words)) for words in predictions.cached(words_of)]


def lengths_of(predictions: Predictions) -> np.ndarray:
    """(C,) number of words of each caption."""
    return np.array([len(words) for words in predictions.cached(words_of)], dtype=np.float64)


def bigram_counts_of(predictions: Predictions) -> np.ndarray:
    """(C,) number of bigrams of each caption."""
    return np.maximum(lengths_of(predictions) - 1, 0)


def word_incidence(predictions: Predictions) -> "tuple[csr_matrix, csr_matrix]":
    """Words of the captions and words of the references of each image: (N, words) each, with the same columns."""
    reference_words = [[word for text in group for word in text.split()] for group in predictions.references]
    columns: dict[Hashable, int] = {}
    of_captions = incidence_matrix(_joined_by_image(predictions, words_of(predictions)), columns)
    of_references = incidence_matrix(reference_words, columns)
    of_captions.resize(of_references.shape)
    return of_captions, of_references


def bigram_incidence(predictions: Predictions) -> "csr_matrix":
    """(N, bigrams) bigrams of the captions of each image."""
    return incidence_matrix(_joined_by_image(predictions, bigrams_of(predictions)), {})


def _joined_by_image(predictions: Predictions, items: list) -> list[list]:
    return [list(chain.from_iterable(group)) for group in predictions.grouped_by_image(items)]
