"""CIDEr-D (Vedantam et al. 2015) in matrix form, so that it can be recomputed for thousands of resamples.

Each norm and each product of two tf-idf vectors is a sum over n-grams of a count times idf squared. The counts are
sparse matrices that are the same for all resamples; only idf is recomputed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli import __version__
from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.ngrams import MAX_N, count_ngrams
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import Statistic, mean_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SIGMA = 6.0
"""Standard deviation of the length penalty, in words."""
SCALE = 10.0
RESAMPLES_PER_BLOCK = 16
"""Resamples scored in one pass; each takes 8 bytes per n-gram."""


@dataclass(frozen=True)
class _Matrices:
    """Squares and products of n-gram counts; n-grams with the same idf share a column."""

    documents: "csr_matrix"
    """(images, columns) 1 where a reference of the image contains an n-gram of the column."""
    captions: "csr_matrix"
    """(4 captions, columns) squared counts, one row per n-gram order."""
    references: "csr_matrix"
    """(4 references, columns) squared counts."""
    shared: "csr_matrix"
    """(4 pairs, columns) products of the clipped counts of a caption and the counts of a reference."""

    def as_type(self, dtype: type) -> "_Matrices":
        """The matrices in another precision."""
        return _Matrices(*(getattr(self, field.name).astype(dtype) for field in fields(self)))


class CiderD:
    """CIDEr-D of tokenised captions against tokenised references, which pycocoevalcap calls "CIDEr".

    Args:
        captions: All captions, image by image.
        references: The references of each image.
        df_captions: Captions of each image of another corpus, in which document frequencies are counted; None counts
            them in ``references``.
        compare_with: For each image, the images whose references its captions are compared with; None for its own.
        image_index: (captions,) the position of each caption's image; None if every image has one caption.
    """

    def __init__(
        self,
        captions: Sequence[str],
        references: Sequence[Sequence[str]],
        df_captions: Sequence[Sequence[str]] | None = None,
        compare_with: Sequence[Sequence[int]] | None = None,
        image_index: np.ndarray | None = None,
    ):
        self._image_index = np.arange(len(captions)) if image_index is None else image_index
        self._caption_counts = np.bincount(self._image_index)
        flat_references = [text for group in references for text in group]
        flat_df_captions = [text for group in df_captions or () for text in group]
        ngrams = count_ngrams([*captions, *flat_references, *flat_df_captions])
        ends = len(captions), len(captions) + len(flat_references)
        caption_ngrams, reference_ngrams = ngrams.counts[: ends[0]], ngrams.counts[ends[0] : ends[1]]
        images = compare_with if compare_with is not None else [[image] for image in range(len(references))]
        sizes = [len(group) for group in references]
        self._caption, self._reference = _pairs(sizes, [images[image] for image in self._image_index.tolist()])
        differences = _bigram_counts(captions)[self._caption] - _bigram_counts(flat_references)[self._reference]
        self._penalty = _length_penalty(differences)
        fixed_df = df_captions is not None
        documents = _documents(
            ngrams.counts[ends[1] :] if fixed_df else reference_ngrams,
            [len(group) for group in df_captions or references],
        )
        images_with_df = documents.shape[0]
        columns, documents = (np.arange(documents.shape[1]), documents) if fixed_df else _merge_columns(documents)
        paired = reference_ngrams[self._reference]
        shared = caption_ngrams[self._caption].minimum(paired).multiply(paired)
        split = partial(_split_orders, orders=ngrams.orders, columns=columns, width=documents.shape[1])
        exact = _Matrices(documents, *map(split, (caption_ngrams.power(2), reference_ngrams.power(2), shared)))
        self._matrices = {np.dtype(dtype): exact.as_type(dtype) for dtype in (np.float64, np.float32)}
        self._fixed_idf = _idf(documents, np.ones((images_with_df, 1))) if fixed_df else None

    def scores(self) -> np.ndarray:
        """(captions,) scores from 0 to 10."""
        return self._scores(np.ones((len(self._caption_counts), 1)))[:, 0]

    def mean_scores(self, weights: np.ndarray) -> np.ndarray:
        """(resamples,) mean scores; ``weights`` (resamples, images) is how often each image is drawn.

        An image's score is the mean over its captions. The computation uses the precision of ``weights``: float32 takes
        half the time and is off by 1e-7.
        """
        means = []
        for first in range(0, len(weights), RESAMPLES_PER_BLOCK):
            block = weights[first : first + RESAMPLES_PER_BLOCK].T
            block = block if block.dtype in self._matrices else block.astype(np.float64)
            means.append((self._scores(block) * self._caption_weights(block)).sum(0) / block.sum(0))
        return np.concatenate(means)

    def _caption_weights(self, weights: np.ndarray) -> np.ndarray:
        """(captions, resamples) weights of captions from the weights of images (images, resamples)."""
        if (self._caption_counts == 1).all():
            return weights
        return (weights / self._caption_counts[:, None].astype(weights.dtype))[self._image_index]

    def _scores(self, weights: np.ndarray) -> np.ndarray:
        """(captions, resamples) scores from the weights of images (images, resamples)."""
        matrices = self._matrices[weights.dtype]
        idf = _idf(matrices.documents, weights) if self._fixed_idf is None else self._fixed_idf
        squared_idf = idf**2
        caption_norms, reference_norms = (
            np.sqrt(_by_order(matrix @ squared_idf)) for matrix in (matrices.captions, matrices.references)
        )
        products = _by_order(matrices.shared @ squared_idf)
        similarity = np.divide(
            products, reference_norms[self._reference], out=np.zeros_like(products), where=products > 0
        )
        similarity *= self._penalty.astype(similarity.dtype)[:, None, None]
        first_pairs = np.searchsorted(self._caption, np.arange(len(self._image_index)))
        summed = np.add.reduceat(similarity, first_pairs)
        cosines = np.divide(summed, caption_norms, out=np.zeros_like(summed), where=summed > 0)
        return SCALE * cosines.mean(1) / np.bincount(self._caption)[:, None]


def _pairs(sizes: Sequence[int], images: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """(pairs,) captions and (pairs,) references: each caption with every reference of its ``images``.

    ``sizes`` are the numbers of references of all images.
    """
    first = np.concatenate([[0], np.cumsum(sizes)])
    references = [[row for image in group for row in range(first[image], first[image + 1])] for group in images]
    captions = np.repeat(np.arange(len(images)), [len(rows) for rows in references])
    return captions, np.array([row for rows in references for row in rows], dtype=np.int64)


def _length_penalty(differences: np.ndarray) -> np.ndarray:
    """The factor of the similarity of two texts whose numbers of bigrams differ by ``differences``."""
    return np.exp(-(differences**2) / (2 * SIGMA**2))


def _bigram_counts(texts: Sequence[str]) -> np.ndarray:
    """(texts,) numbers of bigrams, which pycocoevalcap compares as lengths."""
    return np.array([max(0, len(text.split()) - 1) for text in texts], dtype=np.float64)


def _documents(counts: "csr_matrix", sizes: Sequence[int]) -> "csr_matrix":
    """(images, n-grams) 1 where a text of the image contains the n-gram.

    ``counts`` (texts, n-grams) are ordered by image, and ``sizes`` are the numbers of texts of the images.
    """
    from scipy.sparse import csr_matrix

    texts = np.arange(len(sizes)).repeat(sizes)
    documents = csr_matrix((np.ones(len(texts)), (texts, np.arange(len(texts)))), (len(sizes), len(texts))) @ counts
    documents.data[:] = 1.0
    return documents


def _merge_columns(documents: "csr_matrix") -> "tuple[np.ndarray, csr_matrix]":
    """The column of each n-gram, and ``documents`` with these columns.

    Most n-grams occur with a single image. Those of the same image share a column, and so do those of no image, because
    their idf is the same in every resample.
    """
    from scipy.sparse import csr_matrix

    images = documents.shape[0]
    entries = documents.tocoo()
    frequency = np.bincount(entries.col, minlength=documents.shape[1])
    columns = np.full(documents.shape[1], images)
    single = frequency[entries.col] == 1
    columns[entries.col[single]] = entries.row[single]
    columns[frequency > 1] = images + 1 + np.arange((frequency > 1).sum())
    width = images + 1 + int((frequency > 1).sum())
    merged = csr_matrix((entries.data, (entries.row, columns[entries.col])), (images, width))
    merged.data[:] = 1.0
    return columns, merged


def _split_orders(counts: "csr_matrix", orders: np.ndarray, columns: np.ndarray, width: int) -> "csr_matrix":
    """(4 rows, columns) from (rows, n-grams): a row for each n-gram order, with the n-grams of a column summed."""
    from scipy.sparse import csr_matrix

    entries = counts.tocoo()
    rows = entries.row * MAX_N + orders[entries.col]
    return csr_matrix((entries.data, (rows, columns[entries.col])), (counts.shape[0] * MAX_N, width))


def _idf(documents: "csr_matrix", weights: np.ndarray) -> np.ndarray:
    """(n-grams, resamples) ln(images / images with the n-gram) in each resample."""
    return np.log(weights.sum(0)) - np.log(np.maximum(documents.T @ weights, 1))


def _by_order(rows: np.ndarray) -> np.ndarray:
    """(n, 4, resamples) from (4 n, resamples)."""
    return rows.reshape(-1, MAX_N, rows.shape[1])


def _cider(predictions: Predictions) -> CiderD:
    texts = predictions.captions, predictions.references
    return CiderD(*texts, predictions.context.df_captions, image_index=predictions.image_index)


def _measure(predictions: Predictions) -> Columns:
    return {"CIDEr": predictions.cached(_cider).scores().tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    """Document frequencies are recounted in every resample if they are those of the references."""
    if predictions.context.df_name is None:
        return {"CIDEr": Statistic(predictions.cached(_cider).mean_scores)}
    return {"CIDEr": mean_of(predictions.mean_by_image(predictions.column("CIDEr")))}


def _signature(predictions: Predictions) -> dict[str, str]:
    return {
        "scale": "0-10",
        "variant": "CIDEr-D",
        "df": predictions.context.df_name or "the references",
        "n": "1-4",
        "sigma": "6",
        "impl": f"clcap-{__version__}, as pycocoevalcap-{version('pycocoevalcap')}",
    }


METRIC = Metric(
    name="CIDEr",
    group=REFERENCES,
    values=(MetricInfo("CIDEr", "Tf-idf similarity of n-grams with the references; 0 to 10.", HIGHER, primary=True),),
    statistics=_statistics,
    measure=_measure,
    columns=("CIDEr",),
    signature=_signature,
    computed="by default",
)
