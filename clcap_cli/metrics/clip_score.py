"""CLIPScore (Hessel et al. 2021): similarity of a caption and its image by CLIP, without references."""

import numpy as np

from clcap_cli.errors import ClcapError
from clcap_cli.metrics.embeddings import ImageTextEncoder
from clcap_cli.metrics.metric import HIGHER, IMAGES, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import Scale
from clcap_cli.metrics.statistic import mean_of

WEIGHT = 2.5
"""Factor of the cosine, w in the paper."""


def clip_of(predictions: Predictions) -> ImageTextEncoder:
    """The CLIP model of the predictions' context; raises ClcapError if there is none."""
    if predictions.context.clip is None:
        raise ClcapError("it needs a CLIP model; give its folder with --clip")
    return predictions.context.clip


def caption_embeddings(predictions: Predictions) -> np.ndarray:
    """(C, d) CLIP's embeddings of the captions."""
    return clip_of(predictions).embed_texts(predictions.raw_captions)


def image_embeddings(predictions: Predictions) -> np.ndarray:
    """(N, d) CLIP's embeddings of the images."""
    return clip_of(predictions).embed_images(predictions.ids)


def _measure(predictions: Predictions) -> Columns:
    images = predictions.cached(image_embeddings)[predictions.image_index]
    cosines = (predictions.cached(caption_embeddings) * images).sum(1)
    return {"CLIPScore": (WEIGHT * np.maximum(cosines, 0)).tolist()}


def _signature(predictions: Predictions) -> dict[str, str]:
    return {"scale": "0-2.5", "w": str(WEIGHT), **clip_of(predictions).signature()}


METRIC = Metric(
    name="CLIPScore",
    group=IMAGES,
    values=(
        MetricInfo(
            "CLIPScore",
            "Similarity of caption and image by CLIP, without references; 0 to 2.5.",
            HIGHER,
            scale=Scale(0.0, 2.5),
            independent_of=("tok", "refs"),
        ),
    ),
    statistics=lambda predictions: {"CLIPScore": mean_of(predictions.mean_by_image(predictions.column("CLIPScore")))},
    measure=_measure,
    columns=("CLIPScore",),
    signature=_signature,
)
