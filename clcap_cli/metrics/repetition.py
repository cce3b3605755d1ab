"""Repeated bigrams within captions (seq-rep-2 of Welleck et al. 2020)."""

from itertools import pairwise

import numpy as np

from clcap_cli.metrics.metric import DISTINCTIVENESS, LOWER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import Statistic, mean_of


def repeated_bigrams(caption: str) -> float:
    """1 - distinct bigrams / bigrams of a tokenised caption; 0 if it has no bigrams."""
    bigrams = list(pairwise(caption.split()))
    return 1 - len(set(bigrams)) / len(bigrams) if bigrams else 0.0


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    repeated = np.array([repeated_bigrams(text) for text in predictions.captions])
    return {"repeated_bigrams": mean_of(predictions.mean_by_image(repeated))}


METRIC = Metric(
    name="repetition",
    group=DISTINCTIVENESS,
    values=(
        MetricInfo(
            "repeated_bigrams",
            "Share of a caption's bigrams that repeat an earlier one; 0 to 1.",
            LOWER,
            scale=SHARE,
            in_summary=False,
        ),
    ),
    statistics=_statistics,
    computed="always",
)
