"""Predictions for tests of metrics."""

from collections.abc import Mapping, Sequence

import numpy as np

from clcap_cli.metrics.metric import Metric
from clcap_cli.metrics.multiple_captions import reported_statistics
from clcap_cli.metrics.predictions import Context, Predictions


def predictions(
    captions: Sequence[Sequence[str]],
    references: Sequence[Sequence[str]],
    context: Context = Context(),
    **columns: list,
) -> Predictions:
    """Predictions from tokenised captions and references of each image."""
    flat, counts = [text for own in captions for text in own], np.array([len(own) for own in captions])
    return Predictions(list(range(len(captions))), flat, flat, references, counts, columns, context)


def values_of(metric: Metric, given: Predictions) -> dict[str, float]:
    """The values that a metric reports over all images."""
    measured: Mapping = metric.measure(given) if metric.measure else {}
    statistics = reported_statistics(metric, given.with_columns(measured))
    return {name: statistic.value(len(given.ids)) for name, statistic in statistics.items()}
