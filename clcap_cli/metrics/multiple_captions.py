"""Values of images with several captions: the best caption (an oracle's choice for each metric) and their mean."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from clcap_cli.metrics.metric import NEITHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.statistic import Statistic

NAME = re.compile(r"(?P<value>.+)_(?P<summary>best|mean)_of_(?P<number>\d+(?:-\d+)?)")
MEANING = {
    "best": "{meaning} Best of an image's {number} captions by this metric.",
    "mean": "{meaning} Mean over an image's {number} captions.",
}


def reported_statistics(metric: Metric, predictions: Predictions) -> dict[str, Statistic]:
    """The values that are reported for the metric, by name; empty if one of its columns is missing."""
    if not _has_columns(metric, predictions):
        return {}
    statistics = dict(metric.statistics(predictions))
    if not predictions.has_multiple_captions:
        return statistics
    for info in _caption_values(metric, predictions):
        mean = statistics.pop(info.name)
        if info.direction != NEITHER:
            selected = predictions.select(_best_rows(info, predictions))
            statistics[_name(info, "best", predictions)] = metric.statistics(selected)[info.name]
        statistics[_name(info, "mean", predictions)] = mean
    return statistics


def values_by_image(metric: Metric, predictions: Predictions) -> dict[str, list[float]]:
    """The metric's values of each image: those of ``by_image``, and the best and the mean of several captions."""
    found = {name: list(values) for name, values in metric.by_image(predictions).items()} if metric.by_image else {}
    if predictions.has_multiple_captions and _has_columns(metric, predictions):
        for info in _caption_values(metric, predictions):
            values = predictions.column(info.name)
            if info.direction != NEITHER:
                found[_name(info, "best", predictions)] = values[_best_rows(info, predictions)].tolist()
            found[_name(info, "mean", predictions)] = predictions.mean_by_image(values).tolist()
    return found


def signature_of(metric: Metric, predictions: Predictions, name: str) -> Mapping[str, str]:
    """The settings that the metric's value ``name`` depends on, including how several captions are summarised."""
    parts = metric.signature(predictions) if metric.signature else {}
    match = NAME.fullmatch(name)
    return {**parts, "captions": f"{match['summary']} of {match['number']}"} if parts and match else parts


def find_info(metric: Metric, name: str) -> MetricInfo | None:
    """The description of the value ``name``; None if the metric has no such value.

    Of several captions, the mean of a primary value is primary; the best, which an oracle chooses, is not.
    """
    match = NAME.fullmatch(name)
    info = next((found for info in metric.values if (found := info.for_name(caption_value_name(name)))), None)
    if info is None or match is None:
        return info
    meaning = MEANING[match["summary"]].format(meaning=info.meaning, number=match["number"])
    return replace(info, name=name, meaning=meaning, primary=info.primary and match["summary"] == "mean")


def caption_value_name(name: str) -> str:
    """ "CIDEr" for "CIDEr_best_of_5" and "CIDEr_mean_of_5"; any other name unchanged."""
    match = NAME.fullmatch(name)
    return match["value"] if match else name


def _has_columns(metric: Metric, predictions: Predictions) -> bool:
    return all(column in predictions.columns for column in metric.columns)


def _caption_values(metric: Metric, predictions: Predictions) -> list[MetricInfo]:
    """The metric's values that are also measured for single captions."""
    found = (info.for_name(name) for info in metric.values for name in predictions.columns)
    return [info for info in found if info]


def _name(info: MetricInfo, summary: str, predictions: Predictions) -> str:
    return f"{info.name}_{summary}_of_{predictions.captions_per_image}"


def _best_rows(info: MetricInfo, predictions: Predictions) -> np.ndarray:
    return predictions.best_rows(info.direction * predictions.column(info.name))
