"""CIDEr-D (Vedantam et al. 2015) in matrix form.

Each norm and each product of two tf-idf vectors is a sum over n-grams of a count times idf squared, so all captions are
scored by a few products of sparse matrices.
"""

from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli import __version__
from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.ngrams import MAX_N, NGrams, count_ngrams
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import Scale
from clcap_cli.metrics.statistic import Statistic, mean_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SIGMA = 6.0
"""Standard deviation of the length penalty, in words."""
MAX_SCORE = 10.0
SCALE = Scale(0.0, MAX_SCORE)
CAPTIONS_PER_BLOCK = 2000
"""Number of captions that are compared with their references together, which limits memory."""


class TfIdf:
    """The n-grams of tokenised captions and references, weighted for CIDEr.

    Args:
        captions: All captions, image by image.
        references: The references of each image.
        df_captions: Captions of each image of another corpus, in which document frequencies are counted; None counts
            them in ``references``.
    """

    def __init__(
        self,
        captions: Sequence[str],
        references: Sequence[Sequence[str]],
        df_captions: Sequence[Sequence[str]] | None = None,
    ):
        flat_references = _flat(references)
        ngrams = count_ngrams([*captions, *flat_references, *_flat(df_captions or ())])
        ends = len(captions), len(captions) + len(flat_references)
        self._captions, self._references = ngrams.counts[: ends[0]], ngrams.counts[ends[0] : ends[1]]
        df_counts = self._references if df_captions is None else ngrams.counts[ends[1] :]
        self._squared_idf = _squared_idf(ngrams, df_counts, [len(group) for group in df_captions or references])
        self._reference_norms = self._norms(self._references)
        self._reference_counts = [len(group) for group in references]
        self._bigrams = _bigram_counts(captions), _bigram_counts(flat_references)

    def cider_d(self, images: Sequence[Sequence[int]]) -> np.ndarray:
        """(captions,) CIDEr-D from 0 to 10 against the references of ``images``, those of each caption."""
        blocks = [slice(first, first + CAPTIONS_PER_BLOCK) for first in range(0, len(images), CAPTIONS_PER_BLOCK)]
        return np.concatenate([self._of_block(block, images[block]) for block in blocks])

    def _of_block(self, block: slice, images: Sequence[Sequence[int]]) -> np.ndarray:
        caption, reference = _pairs(self._reference_counts, images)
        captions, paired = self._captions[block], self._references[reference]
        products = captions[caption].minimum(paired).multiply(paired) @ self._squared_idf
        penalty = _length_penalty(self._bigrams[0][block][caption] - self._bigrams[1][reference])
        similarity = _quotients(products, self._reference_norms[reference]) * penalty[:, None]
        summed = np.add.reduceat(similarity, np.searchsorted(caption, np.arange(len(images))))
        return MAX_SCORE * _quotients(summed, self._norms(captions)).mean(1) / np.bincount(caption)

    def _norms(self, counts: "csr_matrix") -> np.ndarray:
        """(texts, 4) lengths of the vectors of n-grams of each order."""
        return np.sqrt(counts.power(2) @ self._squared_idf)


def cider_scores(captions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """(captions,) CIDEr-D of one caption per image against its references, which pycocoevalcap calls "CIDEr"."""
    return TfIdf(captions, references).cider_d([[image] for image in range(len(references))])


def _flat(groups: Sequence[Sequence[str]]) -> list[str]:
    return [text for group in groups for text in group]


def _quotients(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    """The quotients; 0 where the numerator is 0."""
    return np.divide(numerators, denominators, out=np.zeros_like(numerators), where=numerators > 0)


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


def _squared_idf(ngrams: NGrams, df_counts: "csr_matrix", sizes: Sequence[int]) -> np.ndarray:
    """(n-grams, 4) the squared idf of each n-gram in the column of its order, 0 in the others.

    ``df_counts`` (texts, n-grams) are counts in the texts of the corpus of the document frequencies, ordered by image;
    ``sizes`` are the numbers of texts of its images.
    """
    idf = np.log(len(sizes)) - np.log(np.maximum(_document_frequencies(df_counts, sizes), 1))
    squared = np.zeros((len(idf), MAX_N))
    squared[np.arange(len(idf)), ngrams.orders] = idf**2
    return squared


def _document_frequencies(counts: "csr_matrix", sizes: Sequence[int]) -> np.ndarray:
    """(n-grams,) number of images of which a text contains the n-gram."""
    from scipy.sparse import csr_matrix

    texts = np.arange(len(sizes)).repeat(sizes)
    documents = csr_matrix((np.ones(len(texts)), (texts, np.arange(len(texts)))), (len(sizes), len(texts))) @ counts
    return np.bincount(documents.indices, minlength=counts.shape[1])


def tf_idf(predictions: Predictions) -> TfIdf:
    """The weighted n-grams of predictions and references."""
    return TfIdf(predictions.captions, predictions.references, predictions.context.df_captions)


def _cider(predictions: Predictions) -> np.ndarray:
    """(C,) scores of the captions; stored scores if the captions of the document frequencies are not known."""
    context = predictions.context
    if context.df_name is not None and context.df_captions is None:
        return predictions.column("CIDEr")
    return predictions.cached(tf_idf).cider_d([[image] for image in predictions.image_index.tolist()])


def _measure(predictions: Predictions) -> Columns:
    return {"CIDEr": predictions.cached(_cider).tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    """The mean score; document frequencies are those of all given images, also in resamples."""
    return {"CIDEr": mean_of(predictions.mean_by_image(predictions.cached(_cider)))}


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
    values=(
        MetricInfo(
            "CIDEr", "Tf-idf similarity of n-grams with the references; 0 to 10.", HIGHER, scale=SCALE, primary=True
        ),
    ),
    statistics=_statistics,
    measure=_measure,
    columns=("CIDEr",),
    signature=_signature,
    computed="by default",
)
