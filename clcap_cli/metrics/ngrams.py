"""N-gram counts of texts as sparse matrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MAX_N = 4


@dataclass(frozen=True)
class NGrams:
    """Counts of n-grams."""

    counts: "csr_matrix"
    """(texts, n-grams) occurrences of each n-gram in each text."""
    orders: np.ndarray
    """(n-grams,) number of words of each n-gram, minus one."""


def word_counts(texts: Sequence[str]) -> np.ndarray:
    """(texts,) number of words of each text."""
    return np.array([len(text.split()) for text in texts], dtype=np.int64)


def count_ngrams(texts: Sequence[str], max_n: int = MAX_N) -> NGrams:
    """Count the n-grams of up to ``max_n`` words of texts whose words are separated by spaces."""
    from scipy.sparse import csr_matrix

    words = [text.split() for text in texts]
    word_ids: dict[str, int] = {}
    word = np.array([word_ids.setdefault(token, len(word_ids)) for text in words for token in text], dtype=np.int64)
    text = np.repeat(np.arange(len(words)), [len(tokens) for tokens in words])
    ngram = np.zeros_like(word)
    """At each word, the id of the n-gram of the previous order that starts there."""
    rows, columns, orders = [], [], []  # type: list[np.ndarray], list[np.ndarray], list[np.ndarray]
    for order in range(max_n):
        starts = np.flatnonzero(text == np.concatenate([text[order:], np.full(min(order, len(text)), -1)]))
        unique, ngram[starts] = np.unique(ngram[starts] * len(word_ids) + word[starts + order], return_inverse=True)
        rows.append(text[starts])
        columns.append(ngram[starts] + sum(len(previous) for previous in orders))
        orders.append(np.full(len(unique), order))
    cells = np.concatenate(rows), np.concatenate(columns)
    all_orders = np.concatenate(orders)
    counts = csr_matrix((np.ones(len(cells[0])), cells), shape=(len(texts), len(all_orders)))
    return NGrams(counts, all_orders)
