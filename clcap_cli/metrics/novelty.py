"""Share of captions that do not occur in the training data (van Miltenburg et al. 2018)."""

from clcap_cli.metrics.metric import DISTINCTIVENESS, HIGHER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import mean_of


def _measure(predictions: Predictions) -> Columns:
    if predictions.context.training is None:
        return {}
    training = predictions.context.training
    normalised = training.tokenizer.segmenter.text
    known = set(map(normalised, training.captions))
    return {"novel": [int(normalised(text) not in known) for text in predictions.raw_captions]}


def _by_image(predictions: Predictions) -> Columns:
    if "novel" not in predictions.columns:
        return {}
    return {"novel_share": predictions.mean_by_image(predictions.column("novel")).tolist()}


METRIC = Metric(
    name="novelty",
    group=DISTINCTIVENESS,
    values=(
        MetricInfo(
            "novel_share", "Share of captions that do not occur in the training split; 0 to 1.", HIGHER, scale=SHARE
        ),
    ),
    statistics=lambda predictions: {"novel_share": mean_of(predictions.mean_by_image(predictions.column("novel")))},
    measure=_measure,
    columns=("novel",),
    by_image=_by_image,
    computed="always",
)
