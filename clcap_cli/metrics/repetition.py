"""Whether captions repeat themselves (Welleck et al. 2020: seq-rep-2)."""

from itertools import pairwise

import numpy as np

from clcap_cli.metrics.metric import DISTINCTIVENESS, LOWER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Predictions
from clcap_cli.metrics.statistic import Statistic, mean_of


def repeated_bigrams(caption: str) -> float:
    """1 - different bigrams / bigrams of a tokenised caption: the share that it has already; 0 for none."""
    pairs = list(pairwise(caption.split()))
    return 1 - len(set(pairs)) / len(pairs) if pairs else 0.0


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    repeated = np.array([repeated_bigrams(text) for text in predictions.captions])
    return {"repeated_bigrams": mean_of(predictions.mean(repeated))}


METRIC = Metric(
    name="repetition",
    group=DISTINCTIVENESS,
    values=(MetricInfo("repeated_bigrams", "Word pairs that a caption repeats; 0 to 1.", LOWER),),
    statistics=_statistics,
    computed="always",
)
