"""Self-retrieval (Dai & Lin 2017): the ranks at which captions found their images, which self-retrieve measured."""

import numpy as np

from clcap_cli.metrics.metric import HIGHER, LOWER, SELF_RETRIEVAL, Metric, ValueInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import Statistic, mean_of, median_of

CUTOFFS = (1, 5, 10, 50, 500)
"""The k of R@k."""


def _measure(predictions: Predictions) -> Columns:
    return predictions.context.ranks or {}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    """The pool is not drawn again: ranks stay those among all of its images."""
    ranks, tied = predictions.column("rank"), predictions.column("tied")
    better = ranks - 1 - (tied - 1) / 2
    found = {f"R@{k}": mean_of(np.clip((k - better) / tied, 0, 1)) for k in CUTOFFS if k < len(predictions.ids)}
    return {**found, "median_rank": median_of(ranks), "mean_rank": mean_of(ranks)}


METRIC = Metric(
    name="self-retrieval",
    group=SELF_RETRIEVAL,
    values=(
        ValueInfo("R@1", "Captions whose image is the first that they find; 0 to 1.", HIGHER),
        ValueInfo("R@{k}", "Captions whose image is among the first {k} that they find; 0 to 1.", HIGHER),
        ValueInfo("median_rank", "Rank at which half of the captions have found their image; from 1.", LOWER, 1),
        ValueInfo("mean_rank", "Mean rank at which a caption finds its image; from 1.", LOWER, 2),
    ),
    statistics=_statistics,
    measure=_measure,
    columns=("rank", "tied"),
    computed="always",
)
