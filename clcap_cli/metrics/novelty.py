"""Whether captions differ from those seen in training (van Miltenburg et al. 2018)."""

from collections.abc import Collection, Iterable

from clcap_cli.datasets.text import split_words
from clcap_cli.metrics.metric import DISTINCTIVENESS, HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import mean_of


def training_texts(captions: Iterable[str]) -> set[str]:
    """Training captions in the form in which novelty compares them."""
    return {" ".join(split_words(text)) for text in captions}


def novel(caption: str, training: Collection[str]) -> int:
    """1 if a caption is none of the training captions, else 0, by words."""
    return int(" ".join(split_words(caption)) not in training)


def _measure(predictions: Predictions) -> Columns:
    if predictions.context.training is None:
        return {}
    training = training_texts(predictions.context.training.captions)
    return {"novel": [novel(text, training) for text in predictions.raw]}


def _by_image(predictions: Predictions) -> Columns:
    if "novel" not in predictions.columns:
        return {}
    return {"novel_share": predictions.mean(predictions.column("novel")).tolist()}


METRIC = Metric(
    name="novelty",
    group=DISTINCTIVENESS,
    values=(MetricInfo("novel_share", "Captions that are no caption of the training split; 0 to 1.", HIGHER),),
    statistics=lambda predictions: {"novel_share": mean_of(predictions.mean(predictions.column("novel")))},
    measure=_measure,
    columns=("novel",),
    by_image=_by_image,
    computed="always",
)
