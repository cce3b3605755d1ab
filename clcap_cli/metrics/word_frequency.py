"""How frequent captions' words were in training; likelihood training is poor at rare ones (Honda et al. 2023)."""

import numpy as np

from clcap_cli.metrics.metric import DISTINCTIVENESS, NEITHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import Statistic, of_sums, part
from clcap_cli.tokenizers.words import WordTokenizer

BANDS = (100, 1000)
"""Ranks of training words at which a band of frequency ends."""
NAMES = ("words_top_100", "words_101_to_1000", "words_rarer")


def frequency_bands(caption: str, training: WordTokenizer) -> list[int]:
    """How many of a caption's words are among the 100 most frequent of training, the next 900, and the rest."""
    found = [training.frequency_rank(token) for token in training.encode(caption)]
    ranks = [len(training) if rank is None else rank for rank in found]
    ends = np.searchsorted(BANDS, ranks, side="right")
    return np.bincount(ends, minlength=len(BANDS) + 1).tolist()


def _measure(predictions: Predictions) -> Columns:
    training = predictions.context.training
    if training is None:
        return {}
    return {"frequency_bands": [frequency_bands(text, training.tokenizer) for text in predictions.raw]}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    counts = predictions.total(predictions.column("frequency_bands"))
    return {name: of_sums(counts, part(_shares, at)) for at, name in enumerate(NAMES)}


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


METRIC = Metric(
    name="word-frequency",
    group=DISTINCTIVENESS,
    values=(
        MetricInfo("words_top_100", "Words among the 100 most frequent of training; 0 to 1.", NEITHER),
        MetricInfo("words_101_to_1000", "Words among the next 900; 0 to 1.", NEITHER),
        MetricInfo("words_rarer", "Words that are rarer; 0 to 1.", NEITHER),
    ),
    statistics=_statistics,
    measure=_measure,
    columns=("frequency_bands",),
    computed="always",
)
