"""Shares of frequent and rare words in captions, by their frequency in the training captions.

Likelihood training favours frequent words (Honda et al. 2023).
"""

import numpy as np

from clcap_cli.metrics.metric import DISTINCTIVENESS, NEITHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import Statistic, column_of, function_of_sums
from clcap_cli.tokenizers.words import WordTokenizer

BAND_ENDS = (100, 1000)
"""Frequency ranks of training words at which a band ends."""
NAMES = ("words_top_100", "words_101_to_1000", "words_rarer")


def frequency_bands(caption: str, training: WordTokenizer) -> list[int]:
    """Counts of a caption's words among the 100 most frequent training words, the next 900, and the rest."""
    known_ranks = [training.frequency_rank(token) for token in training.encode(caption)]
    ranks = [len(training) if rank is None else rank for rank in known_ranks]
    bands = np.searchsorted(BAND_ENDS, ranks, side="right")
    return np.bincount(bands, minlength=len(BAND_ENDS) + 1).tolist()


def _measure(predictions: Predictions) -> Columns:
    training = predictions.context.training
    if training is None:
        return {}
    return {"frequency_bands": [frequency_bands(text, training.tokenizer) for text in predictions.raw_captions]}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    counts = predictions.sum_by_image(predictions.column("frequency_bands"))
    return {name: function_of_sums(counts, column_of(_shares, index)) for index, name in enumerate(NAMES)}


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


METRIC = Metric(
    name="word-frequency",
    group=DISTINCTIVENESS,
    values=(
        MetricInfo(
            "words_top_100",
            "Share of words among the 100 most frequent training words; 0 to 1.",
            NEITHER,
            scale=SHARE,
            in_summary=False,
        ),
        MetricInfo(
            "words_101_to_1000",
            "Share of words among the next 900 training words; 0 to 1.",
            NEITHER,
            scale=SHARE,
            in_summary=False,
        ),
        MetricInfo("words_rarer", "Share of rarer and unknown words; 0 to 1.", NEITHER, scale=SHARE, in_summary=False),
    ),
    statistics=_statistics,
    measure=_measure,
    columns=("frequency_bands",),
    computed="always",
)
