"""Self-retrieval (Dai & Lin 2017): the ranks at which captions found their images, which self-retrieve measured."""

import numpy as np

from clcap_cli.metrics.metric import HIGHER, LOWER, SELF_RETRIEVAL, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import Statistic, mean_of, median_of

CUTOFFS = (1, 5, 10, 50, 500)
"""The k of R@k."""


def _measure(predictions: Predictions) -> Columns:
    return predictions.context.ranks or {}


def rank_statistics(ranks: np.ndarray, tied: np.ndarray) -> dict[str, Statistic]:
    """R@k, median and mean rank from (N,) expected ranks and (N,) sizes of ties.

    Resampling draws captions, not the pool: ranks stay those among all N images.
    """
    better = ranks - 1 - (tied - 1) / 2
    found = {f"R@{k}": mean_of(np.clip((k - better) / tied, 0, 1)) for k in CUTOFFS if k < len(ranks)}
    return {**found, "median_rank": median_of(ranks), "mean_rank": mean_of(ranks)}


METRIC = Metric(
    name="self-retrieval",
    group=SELF_RETRIEVAL,
    values=(
        MetricInfo("R@1", "Captions whose image is the first that they find; 0 to 1.", HIGHER),
        MetricInfo("R@{k}", "Captions whose image is among the first {k} that they find; 0 to 1.", HIGHER),
        MetricInfo("median_rank", "Rank at which half of the captions have found their image; from 1.", LOWER, 1),
        MetricInfo("mean_rank", "Mean rank at which a caption finds its image; from 1.", LOWER, 2),
    ),
    statistics=lambda found: rank_statistics(found.column("rank"), found.column("tied")),
    signature=lambda found: {"pool": str(len(found.ids))},
    measure=_measure,
    columns=("rank", "tied"),
    computed="always",
)
