"""CIDEr-D (Vedantam et al. 2015), as matrices, so that it can be computed again for thousands of resamples.

Every norm and every product of two tf-idf vectors is a sum, over n-grams, of counts times idf squared. The counts are
sparse matrices that no resample changes; only idf is computed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli import __version__
from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.ngrams import ORDERS, count_ngrams
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import Statistic, mean_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SIGMA = 6.0
"""Of the penalty for another length, in words."""
SCALE = 10.0
AT_ONCE = 16
"""Resamples; each takes 8 bytes an n-gram."""


@dataclass(frozen=True)
class _Matrices:
    """Squares and products of counts, by columns of n-grams."""

    documents: "csr_matrix"
    """(images, columns): 1 where a reference of the image has an n-gram of the column."""
    captions: "csr_matrix"
    """(4 captions, columns)."""
    references: "csr_matrix"
    """(4 references, columns)."""
    shared: "csr_matrix"
    """(4 pairs, columns)."""

    def as_type(self, kind: type) -> "_Matrices":
        """The same in another precision."""
        return _Matrices(*(getattr(self, field.name).astype(kind) for field in fields(self)))


class CiderD:
    """CIDEr-D of captions against references, each tokenised; ``references[i]`` are those of image i.

    Captions stand image by image; ``image`` says which each is of, one for every image unless given. Document
    frequencies are those of the references themselves, or of ``corpus``, references of other images. With ``against``,
    captions of image i are compared with the references of all images in ``against[i]`` instead of its own. What
    pycocoevalcap calls "CIDEr".
    """

    def __init__(
        self,
        captions: Sequence[str],
        references: Sequence[Sequence[str]],
        corpus: Sequence[Sequence[str]] | None = None,
        against: Sequence[Sequence[int]] | None = None,
        image: np.ndarray | None = None,
    ):
        self._image = np.arange(len(captions)) if image is None else image
        self._counts = np.bincount(self._image)
        flat = [text for group in references for text in group]
        more = [text for group in corpus or () for text in group]
        grams = count_ngrams([*captions, *flat, *more])
        ends = len(captions), len(captions) + len(flat)
        own, theirs = grams.counts[: ends[0]], grams.counts[ends[0] : ends[1]]
        compared = against if against is not None else [[at] for at in range(len(references))]
        sizes = [len(group) for group in references]
        self._caption, self._reference = _pairs(sizes, [compared[at] for at in self._image.tolist()])
        self._penalty = _penalty(_bigrams(captions)[self._caption] - _bigrams(flat)[self._reference])
        counted = corpus is not None
        used = _used(grams.counts[ends[1] :] if counted else theirs, [len(group) for group in corpus or references])
        columns, documents = (np.arange(used.shape[1]), used) if counted else _merged(used)
        other = theirs[self._reference]
        shared = own[self._caption].minimum(other).multiply(other)
        spread = partial(_by_order, order=grams.order, columns=columns, width=documents.shape[1])
        exact = _Matrices(documents, *map(spread, (own.power(2), theirs.power(2), shared)))
        self._matrices = {np.dtype(kind): exact.as_type(kind) for kind in (np.float64, np.float32)}
        self._fixed_idf = _idf(documents, np.ones((used.shape[0], 1))) if counted else None

    def each(self) -> np.ndarray:
        """(captions,) scores from 0 to 10."""
        return self._scores(np.ones((len(self._counts), 1)))[:, 0]

    def means(self, weights: np.ndarray) -> np.ndarray:
        """(resamples,) mean scores; ``weights`` (resamples, images) says how often each corpus has each image.

        An image's score is the mean over its captions. Computed in the precision of ``weights``: float32 takes half
        the time and is off by 1e-7.
        """
        means = []
        for first in range(0, len(weights), AT_ONCE):
            block = weights[first : first + AT_ONCE].T
            block = block if block.dtype in self._matrices else block.astype(np.float64)
            means.append((self._scores(block) * self._shares(block)).sum(0) / block.sum(0))
        return np.concatenate(means)

    def _shares(self, weights: np.ndarray) -> np.ndarray:
        """(captions, resamples) weights of captions from those of images."""
        if (self._counts == 1).all():
            return weights
        return (weights / self._counts[:, None].astype(weights.dtype))[self._image]

    def _scores(self, weights: np.ndarray) -> np.ndarray:
        """(captions, resamples) from (images, resamples)."""
        matrices = self._matrices[weights.dtype]
        idf = _idf(matrices.documents, weights) if self._fixed_idf is None else self._fixed_idf
        squared = idf**2
        own, theirs = (np.sqrt(_apart(matrix @ squared)) for matrix in (matrices.captions, matrices.references))
        shared = _apart(matrices.shared @ squared)
        similar = np.divide(shared, theirs[self._reference], out=np.zeros_like(shared), where=shared > 0)
        similar *= self._penalty.astype(similar.dtype)[:, None, None]
        first = np.searchsorted(self._caption, np.arange(len(self._image)))
        summed = np.add.reduceat(similar, first)
        cosines = np.divide(summed, own, out=np.zeros_like(summed), where=summed > 0)
        return SCALE * cosines.mean(1) / np.bincount(self._caption)[:, None]


def _pairs(sizes: Sequence[int], against: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Every caption with each reference of the images in ``against`` it, by caption; images have ``sizes`` of them."""
    first = np.concatenate([[0], np.cumsum(sizes)])
    compared = [[row for other in others for row in range(first[other], first[other + 1])] for others in against]
    caption = np.repeat(np.arange(len(against)), [len(rows) for rows in compared])
    return caption, np.array([row for rows in compared for row in rows], dtype=np.int64)


def _penalty(apart: np.ndarray) -> np.ndarray:
    """What remains of the similarity of texts whose numbers of bigrams are so far apart."""
    return np.exp(-(apart**2) / (2 * SIGMA**2))


def _bigrams(texts: Sequence[str]) -> np.ndarray:
    """(texts,) the length that pycocoevalcap compares."""
    return np.array([max(0, len(text.split()) - 1) for text in texts], dtype=np.float64)


def _used(counts: "csr_matrix", sizes: Sequence[int]) -> "csr_matrix":
    """(images, n-grams): 1 where a text of the image has the n-gram; (texts, n-grams) ``counts`` stand by image."""
    from scipy.sparse import csr_matrix

    texts = np.arange(len(sizes)).repeat(sizes)
    used = csr_matrix((np.ones(len(texts)), (texts, np.arange(len(texts)))), (len(sizes), len(texts))) @ counts
    used.data[:] = 1.0
    return used


def _merged(used: "csr_matrix") -> "tuple[np.ndarray, csr_matrix]":
    """A column for each n-gram, and ``used`` by these columns.

    N-grams that only one image uses, which most are, share that image's column, and those that none uses another: in
    every resample they have one idf.
    """
    from scipy.sparse import csr_matrix

    images = used.shape[0]
    place = used.tocoo()
    times = np.bincount(place.col, minlength=used.shape[1])
    columns = np.full(used.shape[1], images)
    once = times[place.col] == 1
    columns[place.col[once]] = place.row[once]
    columns[times > 1] = images + 1 + np.arange((times > 1).sum())
    width = images + 1 + int((times > 1).sum())
    merged = csr_matrix((place.data, (place.row, columns[place.col])), (images, width))
    merged.data[:] = 1.0
    return columns, merged


def _by_order(counts: "csr_matrix", order: np.ndarray, columns: np.ndarray, width: int) -> "csr_matrix":
    """(4 rows, columns) from (rows, n-grams): four rows for each, one an order; n-grams of a column are added up."""
    from scipy.sparse import csr_matrix

    place = counts.tocoo()
    return csr_matrix(
        (place.data, (place.row * ORDERS + order[place.col], columns[place.col])), (counts.shape[0] * ORDERS, width)
    )


def _idf(used: "csr_matrix", weights: np.ndarray) -> np.ndarray:
    """(n-grams, resamples): the logarithm of images over images that have the n-gram, in each resample."""
    return np.log(weights.sum(0)) - np.log(np.maximum(used.T @ weights, 1))


def _apart(rows: np.ndarray) -> np.ndarray:
    """(4 n, resamples) -> (n, 4, resamples)."""
    return rows.reshape(-1, ORDERS, rows.shape[1])


def _cider(predictions: Predictions) -> CiderD:
    texts = predictions.captions, predictions.references
    return CiderD(*texts, predictions.context.corpus, image=predictions.image)


def _measure(predictions: Predictions) -> Columns:
    return {"CIDEr": predictions.once(_cider).each().tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    """Document frequencies are counted again in every resample, unless they are not the references' own."""
    if predictions.context.frequencies is None:
        return {"CIDEr": Statistic(predictions.once(_cider).means)}
    return {"CIDEr": mean_of(predictions.mean(predictions.column("CIDEr")))}


def _signature(predictions: Predictions) -> dict[str, str]:
    return {
        "scale": "0-10",
        "variant": "CIDEr-D",
        "df": predictions.context.frequencies or "the references",
        "n": "1-4",
        "sigma": "6",
        "impl": f"clcap-{__version__}, as pycocoevalcap-{version('pycocoevalcap')}",
    }


METRIC = Metric(
    name="CIDEr",
    group=REFERENCES,
    values=(MetricInfo("CIDEr", "Agreement with the references in telling n-grams; 0 to 10.", HIGHER),),
    statistics=_statistics,
    measure=_measure,
    columns=("CIDEr",),
    signature=_signature,
    computed="by default",
)
