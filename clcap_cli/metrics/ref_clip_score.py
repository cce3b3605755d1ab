"""RefCLIPScore (Hessel et al. 2021): harmonic mean of CLIPScore and the similarity with the closest reference."""

import numpy as np

from clcap_cli.metrics.clip_score import WEIGHT, caption_embeddings, clip_of
from clcap_cli.metrics.embeddings import cosines_with_references
from clcap_cli.metrics.metric import HIGHER, IMAGES, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import Scale
from clcap_cli.metrics.statistic import mean_of


def _measure(predictions: Predictions) -> Columns:
    captions, references = predictions.cached(caption_embeddings), predictions.raw_references
    cosines = cosines_with_references(clip_of(predictions), captions, references, predictions.image_index)
    closest = np.maximum([one.max() for one in cosines], 0)
    return {"RefCLIPScore": _harmonic_mean(predictions.column("CLIPScore"), closest).tolist()}


def _harmonic_mean(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return 2 * first * second / np.maximum(first + second, np.finfo(np.float64).tiny)


def _signature(predictions: Predictions) -> dict[str, str]:
    return {"scale": "0-1.43", "w": str(WEIGHT), "over references": "max", **clip_of(predictions).signature()}


METRIC = Metric(
    name="RefCLIPScore",
    group=IMAGES,
    values=(
        MetricInfo(
            "RefCLIPScore",
            "Harmonic mean of CLIPScore and the similarity with the closest reference; 0 to 1.43.",
            HIGHER,
            scale=Scale(0.0, 10 / 7),
            independent_of=("tok",),
        ),
    ),
    statistics=lambda predictions: {
        "RefCLIPScore": mean_of(predictions.mean_by_image(predictions.column("RefCLIPScore")))
    },
    measure=_measure,
    columns=("RefCLIPScore", "CLIPScore"),
    signature=_signature,
    needs=("CLIPScore",),
)
