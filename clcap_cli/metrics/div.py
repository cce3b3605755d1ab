"""Div-1 and div-2 (Shetty et al. 2017): how much the captions of one image differ from each other."""

from collections.abc import Hashable, Sequence

import numpy as np

from clcap_cli.metrics.metric import DIVERSITY, HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import Statistic, mean_of
from clcap_cli.metrics.word_counts import bigrams_of, words_of


def div_1(predictions: Predictions) -> np.ndarray:
    """(N,) distinct words of an image's captions / words of these captions."""
    return _distinct_per_word(predictions, words_of(predictions))


def div_2(predictions: Predictions) -> np.ndarray:
    """(N,) distinct bigrams of an image's captions / words of these captions, the divisor of the paper."""
    return _distinct_per_word(predictions, bigrams_of(predictions))


def _distinct_per_word(predictions: Predictions, items: Sequence[Sequence[Hashable]]) -> np.ndarray:
    words = predictions.sum_by_image(np.array([len(caption) for caption in words_of(predictions)]))
    distinct = [len({item for caption in group for item in caption}) for group in predictions.grouped_by_image(items)]
    return np.array(distinct) / np.maximum(words, 1)


def _by_image(predictions: Predictions) -> Columns:
    if not predictions.has_multiple_captions:
        return {}
    return {"div_1": predictions.cached(div_1).tolist(), "div_2": predictions.cached(div_2).tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    return {name: mean_of(np.array(values)) for name, values in _by_image(predictions).items()}


METRIC = Metric(
    name="div",
    group=DIVERSITY,
    values=(
        MetricInfo(
            "div_1",
            "Distinct words of an image's captions per word of these captions; 0 to 1.",
            HIGHER,
            scale=SHARE,
            independent_of=("refs",),
        ),
        MetricInfo(
            "div_2",
            "Distinct bigrams of an image's captions per word of these captions; 0 to 1.",
            HIGHER,
            scale=SHARE,
            independent_of=("refs",),
        ),
    ),
    statistics=_statistics,
    by_image=_by_image,
    signature=lambda predictions: {"scale": "0-1", "captions": predictions.captions_per_image},
    computed="always",
)
