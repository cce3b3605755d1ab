"""CLIP-retrieval: R@k and mean rank of a caption's own image, with CLIP as the retrieval model (Cho et al. 2022)."""

import numpy as np

from clcap_cli.metrics.clip_score import caption_embeddings, clip_of, image_embeddings
from clcap_cli.metrics.metric import HIGHER, IMAGES, LOWER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import RANK, SHARE
from clcap_cli.metrics.self_retrieval import recall_by_caption
from clcap_cli.metrics.statistic import Statistic, mean_of

CUTOFFS = (1, 5, 10)
"""Values of k in R@k."""
TOLERANCE = 1e-6
"""Maximum difference of cosines that counts as a tie, for the rounding of fp32 embeddings."""
CAPTIONS_AT_ONCE = 1000


def ranks_of(captions: np.ndarray, images: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected ranks (C,), from 1, of each caption's own image by cosine, and the number of images (C,) in its tie.

    ``captions`` (C, d) and ``images`` (N, d) have unit length; ``own`` (C,) is the position of each caption's image.
    """
    better, tied = np.empty(len(captions)), np.empty(len(captions))
    for first in range(0, len(captions), CAPTIONS_AT_ONCE):
        rows = slice(first, first + CAPTIONS_AT_ONCE)
        cosines = captions[rows] @ images.T
        margin = cosines - np.take_along_axis(cosines, own[rows, np.newaxis], axis=1)
        better[rows] = (margin > TOLERANCE).sum(1)
        tied[rows] = (np.abs(margin) <= TOLERANCE).sum(1)
    return 1 + better + (tied - 1) / 2, tied


def _measure(predictions: Predictions) -> Columns:
    captions, images = predictions.cached(caption_embeddings), predictions.cached(image_embeddings)
    ranks, tied = ranks_of(captions, images, predictions.image_index)
    return {"clip_rank": ranks.tolist(), "clip_tied": tied.tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    """Resampling draws captions; the ranks remain those among all images."""
    ranks, tied = predictions.column("clip_rank"), predictions.column("clip_tied")
    found = {**recall_by_caption(ranks, tied, len(predictions.ids), CUTOFFS), "mean_rank": ranks}
    return {f"CLIP_{name}": mean_of(predictions.mean_by_image(values)) for name, values in found.items()}


METRIC = Metric(
    name="CLIP-retrieval",
    group=IMAGES,
    values=(
        MetricInfo(
            "CLIP_R@{k}",
            "Share of captions whose own image is among the first {k} by CLIP's cosine; 0 to 1.",
            HIGHER,
            scale=SHARE,
            independent_of=("tok", "refs"),
        ),
        MetricInfo(
            "CLIP_mean_rank",
            "Mean rank of the caption's own image by CLIP's cosine; 1 to N.",
            LOWER,
            2,
            scale=RANK,
            independent_of=("tok", "refs"),
        ),
    ),
    statistics=_statistics,
    measure=_measure,
    columns=("clip_rank", "clip_tied"),
    signature=lambda predictions: {"pool": str(len(predictions.ids)), **clip_of(predictions).signature()},
)
