"""CIDEr-D (Vedantam et al. 2015), as matrices, so that it can be computed again for thousands of resamples.

Every norm and every product of two tf-idf vectors is a sum, over n-grams, of counts times idf squared. The counts are
sparse matrices that no resample changes; only idf is computed again.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ORDERS = 4
SIGMA = 6.0
"""Of the penalty for another length, in words."""
SCALE = 10.0
AT_ONCE = 32
"""Resamples; each takes 8 bytes an n-gram."""

NGram = tuple[str, ...]


@dataclass(frozen=True)
class DocumentFrequencies:
    """In how many of a corpus's images each n-gram is used."""

    images: int
    counts: Mapping[NGram, int]


def document_frequencies(references: Iterable[Sequence[str]]) -> DocumentFrequencies:
    """Count a corpus of tokenised references, all of an image together."""
    counts: Counter[NGram] = Counter()
    images = 0
    for group in references:
        counts.update({gram for text in group for gram in _grams(text)})
        images += 1
    return DocumentFrequencies(images, counts)


class CiderD:
    """CIDEr-D of captions against references, each tokenised; ``references[i]`` are those of ``captions[i]``.

    Document frequencies are those of the references themselves, or of ``corpus``. What pycocoevalcap calls "CIDEr".
    With ``against``, caption i is compared with the references of all images in ``against[i]`` instead of its own.
    """

    def __init__(
        self,
        captions: Sequence[str],
        references: Sequence[Sequence[str]],
        corpus: DocumentFrequencies | None = None,
        against: Sequence[Sequence[int]] | None = None,
    ):
        said = [_counts(text) for text in captions]
        groups = [[_counts(text) for text in group] for group in references]
        people = [counts for group in groups for counts in group]
        self._image, self._reference = _pairs([len(group) for group in groups], against)
        used = [dict.fromkeys((gram for counts in group for gram in counts), 1) for group in groups]
        columns = _columns_by_use(used) if corpus is None else {gram: at for at, gram in enumerate(corpus.counts, 1)}
        self._documents = _matrix(used, columns)
        self._documents.data[:] = 1.0
        self._said, self._people = (_matrix(map(_squared, texts), columns, by_order=True) for texts in (said, people))
        pairs = zip(self._image, self._reference, strict=True)
        self._shared = _matrix((_clipped(said[i], people[r]) for i, r in pairs), columns, by_order=True)
        self._penalty = _penalty(captions, references, self._image, self._reference)
        self._idf_of_corpus = None if corpus is None else _idf(corpus)

    def each(self, weights: np.ndarray | None = None) -> np.ndarray:
        """(images,) scores from 0 to 10; with ``weights`` (images,) as if the corpus had each image that many times."""
        return self._scores((np.ones(self._documents.shape[0]) if weights is None else weights)[:, None])[:, 0]

    def means(self, weights: np.ndarray) -> np.ndarray:
        """(resamples,) mean scores; ``weights`` (resamples, images) says how often each corpus has each image."""
        means = []
        for first in range(0, len(weights), AT_ONCE):
            block = weights[first : first + AT_ONCE].T.astype(np.float64)
            means.append((self._scores(block) * block).sum(0) / block.sum(0))
        return np.concatenate(means)

    def _scores(self, weights: np.ndarray) -> np.ndarray:
        """(images, resamples) from (images, resamples)."""
        squared = self._idf(weights) ** 2
        norms = np.sqrt(_apart(self._said @ squared))[self._image]
        norms *= np.sqrt(_apart(self._people @ squared))[self._reference]
        products = _apart(self._shared @ squared)
        cosines = np.divide(products, norms, out=np.zeros_like(norms), where=norms > 0).mean(1)
        scores = cosines * self._penalty[:, None]
        first = np.searchsorted(self._image, np.arange(len(weights)))
        return SCALE * np.add.reduceat(scores, first) / np.bincount(self._image)[:, None]

    def _idf(self, weights: np.ndarray) -> np.ndarray:
        """(n-grams, resamples): the logarithm of images over images that have the n-gram."""
        if self._idf_of_corpus is not None:
            return np.repeat(self._idf_of_corpus[:, None], weights.shape[1], axis=1)
        return np.log(weights.sum(0)) - np.log(np.maximum(self._documents.T @ weights, 1))


def _columns_by_use(used: Sequence[Mapping[NGram, int]]) -> dict[NGram, int]:
    """The column of each n-gram that images use; 0 is for all that none uses.

    N-grams that only one image uses, which most are, share its column: in every resample they have one idf.
    """
    columns: dict[NGram, int] = {}
    several = len(used) + 1
    for image, grams in enumerate(used):
        for gram in grams:
            if gram not in columns:
                columns[gram] = image + 1
            elif columns[gram] <= len(used):
                columns[gram] = several
                several += 1
    return columns


def _matrix(rows: Iterable[Mapping[NGram, int]], columns: Mapping[NGram, int], by_order: bool = False) -> "csr_matrix":
    """One row each, or ``by_order`` four: one for the n-grams of each order. N-grams of one column are added up."""
    from scipy.sparse import csr_matrix

    listed = list(rows)
    lengths = [len(row) for row in listed]
    total, parts = sum(lengths), ORDERS if by_order else 1
    place = np.repeat(np.arange(len(listed)), lengths) * parts
    if by_order:
        place += np.fromiter((len(gram) - 1 for row in listed for gram in row), np.int64, total)
    column = np.fromiter((columns.get(gram, 0) for row in listed for gram in row), np.int64, total)
    values = np.fromiter((value for row in listed for value in row.values()), np.float64, total)
    width = max(columns.values(), default=0) + 1
    return csr_matrix((values, (place, column)), shape=(len(listed) * parts, width))


def _idf(corpus: DocumentFrequencies) -> np.ndarray:
    """(n-grams + 1,) of a corpus; the first is of every n-gram that it does not have, as if one image had it."""
    known = np.array([1, *corpus.counts.values()], dtype=np.float64)
    return math.log(corpus.images) - np.log(known)


def _grams(text: str) -> list[NGram]:
    words = text.split()
    return [tuple(words[at : at + n]) for n in range(1, ORDERS + 1) for at in range(len(words) - n + 1)]


def _counts(text: str) -> Counter[NGram]:
    return Counter(_grams(text))


def _squared(counts: Mapping[NGram, int]) -> dict[NGram, int]:
    return {gram: count * count for gram, count in counts.items()}


def _clipped(said: Mapping[NGram, int], people: Mapping[NGram, int]) -> dict[NGram, int]:
    """The products of counts that both have; saying a word more often than people do gains nothing."""
    return {gram: min(count, people[gram]) * people[gram] for gram, count in said.items() if gram in people}


def _pairs(sizes: Sequence[int], against: Sequence[Sequence[int]] | None) -> tuple[np.ndarray, np.ndarray]:
    """Every image with each reference that its caption is compared with, by image."""
    first = np.concatenate([[0], np.cumsum(sizes)])
    compared = [
        [row for other in others for row in range(first[other], first[other + 1])]
        for others in (against if against is not None else [[image] for image in range(len(sizes))])
    ]
    image = np.repeat(np.arange(len(sizes)), [len(rows) for rows in compared])
    return image, np.array([row for rows in compared for row in rows], dtype=np.int64)


def _penalty(
    captions: Sequence[str], references: Sequence[Sequence[str]], image: np.ndarray, reference: np.ndarray
) -> np.ndarray:
    """(pairs,): smaller the more the lengths differ. Lengths are numbers of bigrams, as in pycocoevalcap."""
    said = np.array([_bigrams(text) for text in captions])
    people = np.array([_bigrams(text) for group in references for text in group])
    return np.exp(-((said[image] - people[reference]) ** 2) / (2 * SIGMA**2))


def _bigrams(text: str) -> int:
    return max(0, len(text.split()) - 1)


def _apart(rows: np.ndarray) -> np.ndarray:
    """(4 n, resamples) -> (n, 4, resamples)."""
    return rows.reshape(-1, ORDERS, rows.shape[1])
