"""Share of captions that do not occur in the training data (van Miltenburg et al. 2018)."""

from collections.abc import Collection, Iterable

from clcap_cli.metrics.metric import DISTINCTIVENESS, HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import mean_of
from clcap_cli.segmentation.words import split_words


def normalised_captions(captions: Iterable[str]) -> set[str]:
    """The distinct captions in the form that novelty compares: words joined by single spaces."""
    return {" ".join(split_words(text)) for text in captions}


def is_novel(caption: str, training: Collection[str]) -> int:
    """0 if the caption occurs in ``training``, which ``normalised_captions`` returns, else 1."""
    return int(" ".join(split_words(caption)) not in training)


def _measure(predictions: Predictions) -> Columns:
    if predictions.context.training is None:
        return {}
    training = normalised_captions(predictions.context.training.captions)
    return {"novel": [is_novel(text, training) for text in predictions.raw_captions]}


def _by_image(predictions: Predictions) -> Columns:
    if "novel" not in predictions.columns:
        return {}
    return {"novel_share": predictions.mean_by_image(predictions.column("novel")).tolist()}


METRIC = Metric(
    name="novelty",
    group=DISTINCTIVENESS,
    values=(MetricInfo("novel_share", "Share of captions that do not occur in the training split; 0 to 1.", HIGHER),),
    statistics=lambda predictions: {"novel_share": mean_of(predictions.mean_by_image(predictions.column("novel")))},
    measure=_measure,
    columns=("novel",),
    by_image=_by_image,
    computed="always",
)
