"""BLEU from summed counts, with the smoothing of COCO's evaluation or that of sacreBLEU (Post 2018).

Counts of BLEU-N are (…, 2 + 2 N): words of the captions, words of the references closest in length, n-grams of the
captions for n = 1 to N, and those of them that match.
"""

import numpy as np

from clcap_cli.metrics.bleu_settings import Smoothing

NUMERATOR_EPSILON = 1e-15
"""Added to numerators, and DENOMINATOR_EPSILON to denominators, as pycocoevalcap does."""
DENOMINATOR_EPSILON = 1e-9
FLOOR = 0.1
"""Matches of an order without any, with the method "floor"."""
ADDED = 1.0
"""Number k that "add-k" adds to matches and n-grams of two and more words."""


def bleu_of(counts: np.ndarray, smoothing: Smoothing = "coco") -> np.ndarray:
    """(…, N) BLEU-1 to BLEU-N from 0 to 1, from the counts of a caption, or from their sums over captions."""
    length, reference_length = counts[..., 0:1], counts[..., 1:2]
    ngrams, matched = np.split(counts[..., 2:], 2, axis=-1)
    if smoothing == "coco":
        return _with_epsilons(length, reference_length, ngrams, matched)
    smoothed = _mean_precision(ngrams, matched, smoothing) * _brevity_penalty(length, reference_length)
    return np.where(matched[..., 0:1] > 0, smoothed, 0.0)


def _with_epsilons(
    length: np.ndarray, reference_length: np.ndarray, ngrams: np.ndarray, matched: np.ndarray
) -> np.ndarray:
    precision = (matched + NUMERATOR_EPSILON) / (ngrams + DENOMINATOR_EPSILON)
    bleu = np.cumprod(precision, axis=-1) ** (1 / np.arange(1, ngrams.shape[-1] + 1))
    ratio = (length + NUMERATOR_EPSILON) / (reference_length + DENOMINATOR_EPSILON)
    return np.where(ratio < 1, bleu * np.exp(1 - 1 / ratio), bleu)


def _mean_precision(ngrams: np.ndarray, matched: np.ndarray, smoothing: Smoothing) -> np.ndarray:
    """(…, N) geometric means over the orders that the captions have n-grams of, sacreBLEU's "effective order"."""
    if smoothing == "add-k":
        added = ADDED * (np.arange(ngrams.shape[-1]) > 0)
        ngrams, matched = ngrams + added, matched + added
    exists = ngrams > 0
    unmatched = exists & (matched == 0)
    matched = np.where(unmatched, _substitutes(unmatched, smoothing), matched)
    precision = np.divide(matched, ngrams, out=np.ones(ngrams.shape), where=exists)
    orders = np.maximum(np.cumsum(exists, axis=-1), 1)
    return np.cumprod(precision, axis=-1) ** (1 / orders)


def _substitutes(unmatched: np.ndarray, smoothing: Smoothing) -> np.ndarray:
    """(…, N) numbers of matches that orders without any count as."""
    if smoothing == "exp":
        return 0.5 ** np.cumsum(unmatched, axis=-1)
    return np.full(unmatched.shape, FLOOR if smoothing == "floor" else 0.0)


def _brevity_penalty(length: np.ndarray, reference_length: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(0.0, 1 - reference_length / np.maximum(length, NUMERATOR_EPSILON)))
