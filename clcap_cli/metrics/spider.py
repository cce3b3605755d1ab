"""SPIDEr (Liu et al. 2017): the mean of CIDEr and SPICE, with CIDEr-D as CIDEr."""

import numpy as np

from clcap_cli.metrics import cider, spice
from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import Scale
from clcap_cli.metrics.signature import join_signature
from clcap_cli.metrics.statistic import Statistic

PARTS = (cider.METRIC, spice.METRIC)


def _measure(predictions: Predictions) -> Columns:
    return {"SPIDEr": np.mean([predictions.column(part.name) for part in PARTS], axis=0).tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    statistics = [part.statistics(predictions)[part.name] for part in PARTS]
    return {"SPIDEr": Statistic(lambda weights: np.mean([part.compute(weights) for part in statistics], axis=0))}


def _signature(predictions: Predictions) -> dict[str, str]:
    signatures = {part.name: part.signature(predictions) for part in PARTS if part.signature}
    return {"scale": "0-5.5", **{name: join_signature(signature, "; ") for name, signature in signatures.items()}}


METRIC = Metric(
    name="SPIDEr",
    group=REFERENCES,
    values=(MetricInfo("SPIDEr", "Mean of CIDEr and SPICE; 0 to 5.5.", HIGHER, scale=Scale(0, 5.5)),),
    statistics=_statistics,
    measure=_measure,
    columns=("SPIDEr", "CIDEr", "SPICE"),
    signature=_signature,
    needs=("CIDEr", "SPICE"),
)
