"""Every figure of a metrics file as a function of which images are drawn, from what the file says of each image."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from clcap_cli.metrics.bleu import ORDERS, bleu_of, bleu_statistics
from clcap_cli.metrics.cider import CiderD
from clcap_cli.metrics.distinctiveness import repeated_bigrams
from clcap_cli.metrics.meteor import meteor_of
from clcap_cli.metrics.resampling import Figure
from clcap_cli.tokenizers.words import WordTokenizer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MEANS = ("ROUGE_L", "CIDEr", "SPICE")
CUTOFFS = (1, 5, 10, 50, 500)
"""The k of R@k."""
BAND_NAMES = ("words_top_100", "words_101_to_1000", "words_rarer")
AT_ONCE = 100
"""Resamples for which every different word is counted at once."""

Images = Sequence[Mapping[str, Any]]


def figures_of(images: Images, own_frequencies: bool = True) -> dict[str, Figure]:
    """The figures that can be computed from ``images``, the entries of a metrics file, by name.

    BLEU and METEOR are of the whole corpus, from counts that add up. CIDEr's document frequencies are counted again in
    every resample, unless they are not the references' own (``own_frequencies``).
    """
    figures = _quality(images, own_frequencies) | distinctiveness_figures(images)
    return figures | (retrieval_figures(images) if "rank" in images[0] else {})


def retrieval_figures(images: Images) -> dict[str, Figure]:
    """R@k, median and mean rank, from each image's ``rank`` and ``tied``; the pool is not drawn again."""
    ranks, tied = _column(images, "rank"), _column(images, "tied")
    better = ranks - 1 - (tied - 1) / 2
    found = {f"R@{k}": mean_figure(np.clip((k - better) / tied, 0, 1)) for k in CUTOFFS if k < len(images)}
    return {**found, "median_rank": _median(ranks), "mean_rank": mean_figure(ranks)}


def bleu_figures(statistics: np.ndarray) -> dict[str, Figure]:
    """BLEU-1 to 4 from (images, 10) statistics."""
    return {f"BLEU-{order + 1}": _of_sums(statistics, _part(bleu_of, order)) for order in range(ORDERS)}


def meteor_figure(statistics: np.ndarray) -> Figure:
    """METEOR from (images, 23) statistics."""
    return _of_sums(statistics, meteor_of)


def mean_figure(values: np.ndarray) -> Figure:
    """The mean of (images,) values."""
    return Figure(lambda weights: weights @ values / weights.sum(1))


def _quality(images: Images, own_frequencies: bool) -> dict[str, Figure]:
    said, people = _texts(images)
    figures: dict[str, Figure] = {}
    if "BLEU-1" in images[0]:
        figures |= bleu_figures(bleu_statistics(said, people))
    if "meteor_statistics" in images[0]:
        figures["METEOR"] = meteor_figure(np.array([image["meteor_statistics"] for image in images]))
    if "CIDEr" in images[0] and own_frequencies:
        figures["CIDEr"] = Figure(CiderD(said, people).means)
    names = [name for name in MEANS if name in images[0] and name not in figures]
    return figures | {name: mean_figure(_column(images, name)) for name in names}


def _texts(images: Images) -> tuple[list[str], list[list[str]]]:
    return [image["tokenised"] for image in images], [image["references"] for image in images]


def distinctiveness_figures(images: Images) -> dict[str, Figure]:
    """Whether captions differ: from each other, from what was seen in training, from what suits similar images."""
    said, people = _texts(images)
    words = [text.split() for text in said]
    of_people = [[word for text in group for word in text.split()] for group in people]
    columns: dict[Hashable, int] = {}
    used, known = _incidence(words, columns), _incidence(of_people, columns)
    used.resize(known.shape)
    pairs = _incidence([list(pairwise(text)) for text in words], {})
    whole = _incidence([[text] for text in said], {})
    lengths = np.array([len(text) for text in words], dtype=np.float64)
    figures = {
        "unique_share": _different_of(whole, np.ones(len(images))),
        "vocabulary_used": Figure(lambda weights: _different(weights, used), counts_distinct=True, grows=True),
        "vocabulary_share_of_references": Figure(
            lambda weights: _shared(weights, used, known), counts_distinct=True, grows=True
        ),
        "mean_length": mean_figure(lengths),
        "repeated_bigrams": mean_figure(np.array([repeated_bigrams(text) for text in said])),
        "distinct_1": _different_of(used, lengths),
        "distinct_2": _different_of(pairs, np.maximum(lengths - 1, 0)),
    }
    if "novel" in images[0]:
        figures["novel_share"] = mean_figure(_column(images, "novel"))
        bands = np.array([image["frequency_bands"] for image in images], dtype=np.float64)
        for at, name in enumerate(BAND_NAMES):
            figures[name] = _of_sums(bands, _part(_shares, at))
    if "CIDErBtw" in images[0]:
        figures["CIDErBtw"] = mean_figure(_column(images, "CIDErBtw"))
    return figures


def _column(images: Images, name: str) -> np.ndarray:
    return np.array([image[name] for image in images], dtype=np.float64)


def vocabulary_share(captions: Sequence[str], training: WordTokenizer) -> Figure:
    """The share of the training vocabulary's words that captions use (van Miltenburg et al. 2018: coverage)."""
    ranks = [map(training.rank, training.encode(text)) for text in captions]
    known = [[rank for rank in found if rank is not None] for found in ranks]
    used = _incidence(known, {})
    words = len(training.words)
    return Figure(lambda weights: _different(weights, used) / words, counts_distinct=True, grows=True)


def _of_sums(statistics: np.ndarray, formula: Callable[[np.ndarray], np.ndarray]) -> Figure:
    return Figure(lambda weights: formula(weights @ statistics))


def _part(formula: Callable[[np.ndarray], np.ndarray], at: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda sums: formula(sums)[:, at]


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


def _median(values: np.ndarray) -> Figure:
    order = np.argsort(values, kind="stable")

    def median(weights: np.ndarray) -> np.ndarray:
        reached = np.cumsum(weights[:, order], axis=1)
        half = reached[:, -1:] / 2
        # Where exactly half of the images lie below, the median is the middle between two values.
        low, high = (reached >= half).argmax(1), (reached > half).argmax(1)
        return (values[order][low] + values[order][high]) / 2

    return Figure(median)


def _incidence(texts: Sequence[Sequence[Hashable]], columns: dict[Hashable, int]) -> "csr_matrix":
    """(images, different items): 1 where the image's text has the item; ``columns`` grows by the new items."""
    from scipy.sparse import csr_matrix

    found = [dict.fromkeys(columns.setdefault(item, len(columns)) for item in text) for text in texts]
    column = np.array([at for items in found for at in items], dtype=np.int64)
    image = np.repeat(np.arange(len(texts)), [len(items) for items in found])
    return csr_matrix((np.ones(len(column)), (image, column)), shape=(len(texts), len(columns)))


def _seen(weights: np.ndarray, incidence: "csr_matrix") -> np.ndarray:
    """(items, resamples): whether a drawn image has the item."""
    return incidence.T @ weights.T > 0


def _different(weights: np.ndarray, incidence: "csr_matrix") -> np.ndarray:
    """(resamples,) how many different items the drawn images have."""
    blocks = [weights[first : first + AT_ONCE] for first in range(0, len(weights), AT_ONCE)]
    return np.concatenate([_seen(block, incidence).sum(0) for block in blocks]).astype(np.float64)


def _shared(weights: np.ndarray, used: "csr_matrix", known: "csr_matrix") -> np.ndarray:
    """(resamples,) the share of the items of ``known`` that are also in ``used``."""
    blocks = [weights[first : first + AT_ONCE] for first in range(0, len(weights), AT_ONCE)]
    both = [(_seen(block, used) & _seen(block, known)).sum(0) for block in blocks]
    return np.concatenate(both) / np.maximum(_different(weights, known), 1)


def _different_of(incidence: "csr_matrix", items: np.ndarray) -> Figure:
    """Different items, of (images,) how many there are in all."""
    return Figure(lambda weights: _different(weights, incidence) / np.maximum(weights @ items, 1), counts_distinct=True)
