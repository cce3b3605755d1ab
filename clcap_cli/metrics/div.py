"""Div-1 and div-2 (Shetty et al. 2017): how much the captions of one image differ from each other."""

from collections.abc import Hashable, Sequence

import numpy as np

from clcap_cli.metrics.metric import DIVERSITY, HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import Statistic, mean_of
from clcap_cli.metrics.word_counts import pairs_of, words_of


def div_1(predictions: Predictions) -> np.ndarray:
    """(N,) different words of an image's captions / all words of them."""
    return _different(predictions, words_of(predictions))


def div_2(predictions: Predictions) -> np.ndarray:
    """(N,) different pairs of neighbouring words / all words: the paper divides both by the number of words."""
    return _different(predictions, pairs_of(predictions))


def _different(predictions: Predictions, items: Sequence[Sequence[Hashable]]) -> np.ndarray:
    words = predictions.total(np.array([len(own) for own in words_of(predictions)]))
    different = [len({item for caption in own for item in caption}) for own in predictions.by_image(items)]
    return np.array(different) / np.maximum(words, 1)


def _by_image(predictions: Predictions) -> Columns:
    if not predictions.several:
        return {}
    return {"div_1": predictions.once(div_1).tolist(), "div_2": predictions.once(div_2).tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    return {name: mean_of(np.array(values)) for name, values in _by_image(predictions).items()}


METRIC = Metric(
    name="div",
    group=DIVERSITY,
    values=(
        MetricInfo("div_1", "Different words of an image's captions as a share of all their words; 0 to 1.", HIGHER),
        MetricInfo("div_2", "Different word pairs of an image's captions per word of them; 0 to 1.", HIGHER),
    ),
    statistics=_statistics,
    by_image=_by_image,
    signature=lambda predictions: {"scale": "0-1", "captions": predictions.per_image},
    computed="always",
)
