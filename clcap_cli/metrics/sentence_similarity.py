"""SBERT-sim (Zhou et al. 2022): cosine of the sentence embeddings (Reimers & Gurevych 2019) of caption and references.

The mean over the references, as in the authors' FENSE and in aac-metrics.
"""

from clcap_cli.metrics.embeddings import cosines_with_references
from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import Scale
from clcap_cli.metrics.statistic import mean_of


def _measure(predictions: Predictions) -> Columns:
    encoder = predictions.context.sentence_encoder
    if encoder is None:
        return {}
    captions = encoder.embed_texts(predictions.raw_captions)
    cosines = cosines_with_references(encoder, captions, predictions.raw_references, predictions.image_index)
    return {"SBERT-sim": [float(one.mean()) for one in cosines]}


def _signature(predictions: Predictions) -> dict[str, str]:
    encoder = predictions.context.sentence_encoder
    of_encoder = encoder.signature() if encoder else {}
    return {"scale": "-1 to 1", "over references": "mean", **of_encoder}


METRIC = Metric(
    name="SBERT-sim",
    group=REFERENCES,
    values=(
        MetricInfo(
            "SBERT-sim",
            "Similarity in meaning: mean cosine with the references' embeddings; -1 to 1.",
            HIGHER,
            scale=Scale(-1.0, 1.0),
            independent_of=("tok",),
        ),
    ),
    statistics=lambda predictions: {"SBERT-sim": mean_of(predictions.mean_by_image(predictions.column("SBERT-sim")))},
    measure=_measure,
    columns=("SBERT-sim",),
    signature=_signature,
)
