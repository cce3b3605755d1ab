"""Several captions of an image: the best of them (an oracle's choice, for each metric its own) and the mean of them."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from clcap_cli.metrics.metric import NEITHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.statistic import Statistic

NAME = re.compile(r"(?P<value>.+)_(?P<which>best|mean)_of_(?P<number>\d+(?:-\d+)?)")
MEANING = {
    "best": "{meaning} Of the best of an image's {number} captions, chosen by this very metric.",
    "mean": "{meaning} Mean over an image's {number} captions.",
}


def statistics_of(metric: Metric, predictions: Predictions) -> dict[str, Statistic]:
    """What the metric reports of the predictions, by name; nothing where they lack a column of it."""
    if not _applies(metric, predictions):
        return {}
    found = dict(metric.statistics(predictions))
    if not predictions.several:
        return found
    for info in _of_captions(metric):
        mean, best = found.pop(info.name), _name(info, "best", predictions)
        if info.better != NEITHER:
            found[best] = metric.statistics(predictions.chosen(_best(info, predictions)))[info.name]
        found[_name(info, "mean", predictions)] = mean
    return found


def values_by_image(metric: Metric, predictions: Predictions) -> dict[str, list[float]]:
    """The same of each image, as far as they are values of its captions, and what else the metric has of images."""
    found = {name: list(values) for name, values in metric.by_image(predictions).items()} if metric.by_image else {}
    if predictions.several and _applies(metric, predictions):
        for info in _of_captions(metric):
            values = predictions.column(info.name)
            if info.better != NEITHER:
                found[_name(info, "best", predictions)] = values[_best(info, predictions)].tolist()
            found[_name(info, "mean", predictions)] = predictions.mean(values).tolist()
    return found


def signature_of(metric: Metric, predictions: Predictions, name: str) -> Mapping[str, str]:
    """What the value ``name`` of the metric depends on, the choice among several captions included."""
    parts = metric.signature(predictions) if metric.signature else {}
    match = NAME.fullmatch(name)
    return {**parts, "captions": f"{match['which']} of {match['number']}"} if parts and match else parts


def info_of(metric: Metric, name: str) -> MetricInfo | None:
    """What a reader must know of the value ``name``; None where it is none of the metric's."""
    match = NAME.fullmatch(name)
    info = next((found for info in metric.values if (found := info.about(base_of(name)))), None)
    if info is None or match is None:
        return info
    meaning = MEANING[match["which"]].format(meaning=info.meaning, number=match["number"])
    return replace(info, name=name, meaning=meaning)


def base_of(name: str) -> str:
    """The value of single captions that ``name`` is the best or the mean of; itself for any other."""
    match = NAME.fullmatch(name)
    return match["value"] if match else name


def _applies(metric: Metric, predictions: Predictions) -> bool:
    """Whether the predictions have all columns of the metric."""
    return all(column in predictions.columns for column in metric.columns)


def _of_captions(metric: Metric) -> list[MetricInfo]:
    """The values that single captions have too."""
    return [info for info in metric.values if info.name in metric.columns]


def _name(info: MetricInfo, which: str, predictions: Predictions) -> str:
    return f"{info.name}_{which}_of_{predictions.per_image}"


def _best(info: MetricInfo, predictions: Predictions) -> np.ndarray:
    return predictions.best(info.better * predictions.column(info.name))
