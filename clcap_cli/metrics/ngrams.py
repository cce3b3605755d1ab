"""Texts as counts of their n-grams, in arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ORDERS = 4


@dataclass(frozen=True)
class NGrams:
    """How often each text has each n-gram of one to four words."""

    counts: "csr_matrix"
    """(texts, n-grams)."""
    order: np.ndarray
    """(n-grams,): words of each, less one."""


def count_ngrams(texts: Sequence[str]) -> NGrams:
    """Count the n-grams of texts whose words are parted by spaces."""
    from scipy.sparse import csr_matrix

    words = [text.split() for text in texts]
    number: dict[str, int] = {}
    word = np.array([number.setdefault(one, len(number)) for text in words for one in text], dtype=np.int64)
    text = np.repeat(np.arange(len(words)), [len(one) for one in words])
    gram = np.zeros_like(word)
    """At each word, the n-gram of the order before that begins there."""
    rows, columns, orders = [], [], []  # type: list[np.ndarray], list[np.ndarray], list[np.ndarray]
    for order in range(ORDERS):
        begins = np.flatnonzero(text == np.concatenate([text[order:], np.full(min(order, len(text)), -1)]))
        known, gram[begins] = np.unique(gram[begins] * len(number) + word[begins + order], return_inverse=True)
        rows.append(text[begins])
        columns.append(gram[begins] + sum(len(known) for known in orders))
        orders.append(np.full(len(known), order))
    place = np.concatenate(rows), np.concatenate(columns)
    order_of = np.concatenate(orders)
    counts = csr_matrix((np.ones(len(place[0])), place), shape=(len(texts), len(order_of)))
    return NGrams(counts, order_of)
