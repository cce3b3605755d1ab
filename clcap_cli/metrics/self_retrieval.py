"""Self-retrieval (Dai & Lin 2017): R@k and mean ranks, computed from the ranks that self-retrieve wrote."""

from collections.abc import Sequence

import numpy as np

from clcap_cli.metrics.metric import HIGHER, LOWER, SELF_RETRIEVAL, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import RANK, SHARE, Scale
from clcap_cli.metrics.statistic import Statistic, mean_of, median_of

CUTOFFS = (1, 5, 10, 50, 500)
"""Values of k in R@k."""


def _measure(predictions: Predictions) -> Columns:
    return predictions.context.retrieval_ranks or {}


def recall_by_caption(
    ranks: np.ndarray, tied: np.ndarray, pool_size: int, cutoffs: Sequence[int] = CUTOFFS
) -> dict[str, np.ndarray]:
    """(N,) probabilities that a caption's own image is among the first k, from expected ranks (N,) and ties (N,).

    There is one for every k of ``cutoffs`` below ``pool_size``, the number of images in each pool. They are 0 or 1
    except for ties across rank k; their mean is R@k.
    """
    better = ranks - 1 - (tied - 1) / 2
    return {f"R@{k}": np.clip((k - better) / tied, 0, 1) for k in cutoffs if k < pool_size}


def rank_statistics(ranks: np.ndarray, tied: np.ndarray, pool_size: int) -> dict[str, Statistic]:
    """R@k, median and mean rank of expected ranks (N,) and sizes of ties (N,) in pools of ``pool_size`` images.

    Resampling draws captions, not the pools: the ranks remain those in the original pools.
    """
    recalls = {name: mean_of(values) for name, values in recall_by_caption(ranks, tied, pool_size).items()}
    mean_rank = mean_of(ranks, Scale(1.0, float(pool_size)))
    return {**recalls, "median_rank": median_of(ranks), "mean_rank": mean_rank}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    pool_sizes = predictions.columns.get("pool_size", [len(predictions.ids)])  # earlier versions ranked all images
    return rank_statistics(predictions.column("rank"), predictions.column("tied"), int(pool_sizes[0]))


UNUSED = ("tok", "refs")
"""Parts of signatures that ranks do not depend on."""
METRIC = Metric(
    name="self-retrieval",
    group=SELF_RETRIEVAL,
    values=(
        MetricInfo(
            "R@1",
            "Share of captions whose own image ranks first; 0 to 1.",
            HIGHER,
            scale=SHARE,
            independent_of=UNUSED,
            primary=True,
        ),
        MetricInfo(
            "R@5",
            "Share of captions whose own image is among the first 5; 0 to 1.",
            HIGHER,
            scale=SHARE,
            independent_of=UNUSED,
            primary=True,
        ),
        MetricInfo(
            "R@{k}",
            "Share of captions whose own image is among the first {k}; 0 to 1.",
            HIGHER,
            scale=SHARE,
            independent_of=UNUSED,
        ),
        MetricInfo(
            "median_rank",
            "Median rank of the caption's own image; 1 to N.",
            LOWER,
            1,
            scale=RANK,
            independent_of=UNUSED,
        ),
        MetricInfo(
            "mean_rank",
            "Mean rank of the caption's own image; 1 to N.",
            LOWER,
            2,
            scale=RANK,
            independent_of=UNUSED,
            primary=True,
        ),
    ),
    statistics=_statistics,
    signature=lambda predictions: predictions.context.retrieval_signature,
    measure=_measure,
    columns=("rank", "tied"),
    computed="always",
)
