"""BLEU (Papineni et al. 2002) of a corpus, computed from counts that are summed over captions."""

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version

import numpy as np

from clcap_cli import __version__
from clcap_cli.metrics.bleu_smoothing import bleu_of
from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.ngrams import NGrams, count_ngrams, word_counts
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import Statistic, column_of, function_of_sums

CAPTIONS_PER_BLOCK = 2000
"""Number of captions whose n-grams are counted together, which limits memory."""


def bleu_counts(captions: Sequence[str], references: Sequence[Sequence[str]], order: int) -> np.ndarray:
    """(captions, 2 + 2 order) counts of each caption, those of pycocoevalcap; see ``bleu_smoothing``."""
    firsts = range(0, len(captions), CAPTIONS_PER_BLOCK)
    blocks = [slice(first, first + CAPTIONS_PER_BLOCK) for first in firsts]
    return np.concatenate([_block_counts(captions[block], references[block], order) for block in blocks])


def _block_counts(captions: Sequence[str], references: Sequence[Sequence[str]], order: int) -> np.ndarray:
    sizes = [len(group) for group in references]
    caption = np.repeat(np.arange(len(captions)), sizes)
    length, reference_length = word_counts(captions), word_counts([text for group in references for text in group])
    ngrams = count_ngrams([*captions, *(text for group in references for text in group)], order)
    possible = np.maximum(length[:, None] - np.arange(order), 0)
    closest = _closest_lengths(length[caption], reference_length, np.cumsum(sizes) - sizes)
    return np.column_stack([length, closest, possible, _matches(ngrams, caption, (len(captions), order))])


def _closest_lengths(length: np.ndarray, reference_length: np.ndarray, firsts: np.ndarray) -> np.ndarray:
    """(captions,) the reference length closest to each caption's, the smaller one in a tie.

    ``length`` and ``reference_length`` (pairs,) are those of each caption and each of its references; the pairs of a
    caption start at ``firsts`` (captions,).
    """
    longest = reference_length.max() + 1
    return np.minimum.reduceat(np.abs(length - reference_length) * longest + reference_length, firsts) % longest


def _matches(ngrams: NGrams, caption: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(captions, orders) n-grams of each caption that a reference has too, each at most as often as one reference.

    ``ngrams`` are those of the captions, then those of the references, which belong to ``caption`` (references,).
    """
    shared = ngrams.counts[: shape[0]][caption].minimum(ngrams.counts[shape[0] :]).tocoo()
    cell = caption[shared.row] * len(ngrams.orders) + shared.col
    ascending = np.argsort(cell, kind="stable")
    cells, firsts = np.unique(cell[ascending], return_index=True)
    counts = np.maximum.reduceat(shared.data[ascending], firsts) if len(cells) else np.zeros(0)
    row, column = np.divmod(cells, len(ngrams.orders))
    matches = np.zeros(shape)
    np.add.at(matches, (row, ngrams.orders[column]), counts)
    return matches


def _counts(predictions: Predictions) -> np.ndarray:
    order = predictions.context.bleu.bleu_order
    return bleu_counts(predictions.captions, predictions.references_by_caption, order)


def _names(predictions: Predictions) -> list[str]:
    return [f"BLEU-{n}" for n in range(1, predictions.context.bleu.bleu_order + 1)]


def _measure(predictions: Predictions) -> Columns:
    values = bleu_of(predictions.cached(_counts), predictions.context.bleu.bleu_smoothing)
    return dict(zip(_names(predictions), values.T.tolist(), strict=True))


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    counts = predictions.mean_by_image(predictions.cached(_counts))
    bleu = partial(bleu_of, smoothing=predictions.context.bleu.bleu_smoothing)
    return {name: function_of_sums(counts, column_of(bleu, index)) for index, name in enumerate(_names(predictions))}


def _signature(predictions: Predictions) -> dict[str, str]:
    smoothing = predictions.context.bleu.bleu_smoothing
    own = f"clcap-{__version__}, smoothing {smoothing} of sacreBLEU with effective order"
    implementation = f"pycocoevalcap-{version('pycocoevalcap')}" if smoothing == "coco" else own
    return {"scale": "0-1", "impl": implementation, "of": "the corpus", "length": "closest"}


METRIC = Metric(
    name="BLEU",
    group=REFERENCES,
    values=(MetricInfo("BLEU-{k}", "Precision of n-grams up to {k} words; 0 to 1.", HIGHER, scale=SHARE),),
    statistics=_statistics,
    measure=_measure,
    columns=("BLEU-1",),
    signature=_signature,
    computed="by default",
)
