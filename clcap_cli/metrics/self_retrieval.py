"""Self-retrieval (Dai & Lin 2017): R@k and mean ranks, computed from the ranks that self-retrieve wrote."""

import numpy as np

from clcap_cli.metrics.metric import HIGHER, LOWER, SELF_RETRIEVAL, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import RANK, SHARE
from clcap_cli.metrics.statistic import Statistic, mean_of, median_of

CUTOFFS = (1, 5, 10, 50, 500)
"""Values of k in R@k."""


def _measure(predictions: Predictions) -> Columns:
    return predictions.context.retrieval_ranks or {}


def recall_by_caption(ranks: np.ndarray, tied: np.ndarray) -> dict[str, np.ndarray]:
    """(N,) probabilities that a caption's own image is among the first k, from expected ranks (N,) and ties (N,).

    They are 0 or 1 except for ties across rank k; their mean is R@k.
    """
    better = ranks - 1 - (tied - 1) / 2
    return {f"R@{k}": np.clip((k - better) / tied, 0, 1) for k in CUTOFFS if k < len(ranks)}


def rank_statistics(ranks: np.ndarray, tied: np.ndarray) -> dict[str, Statistic]:
    """R@k, median and mean rank of expected ranks (N,) and sizes of ties (N,).

    Resampling draws captions, not the pool: the ranks remain those among all N images.
    """
    recalls = {name: mean_of(values) for name, values in recall_by_caption(ranks, tied).items()}
    return {**recalls, "median_rank": median_of(ranks), "mean_rank": mean_of(ranks)}


METRIC = Metric(
    name="self-retrieval",
    group=SELF_RETRIEVAL,
    values=(
        MetricInfo("R@1", "Share of captions whose own image ranks first; 0 to 1.", HIGHER, scale=SHARE, primary=True),
        MetricInfo(
            "R@5", "Share of captions whose own image is among the first 5; 0 to 1.", HIGHER, scale=SHARE, primary=True
        ),
        MetricInfo("R@{k}", "Share of captions whose own image is among the first {k}; 0 to 1.", HIGHER, scale=SHARE),
        MetricInfo("median_rank", "Median rank of the caption's own image; 1 to N.", LOWER, 1, scale=RANK),
        MetricInfo("mean_rank", "Mean rank of the caption's own image; 1 to N.", LOWER, 2, scale=RANK, primary=True),
    ),
    statistics=lambda predictions: rank_statistics(predictions.column("rank"), predictions.column("tied")),
    signature=lambda predictions: {"pool": str(len(predictions.ids))},
    measure=_measure,
    columns=("rank", "tied"),
    computed="always",
)
