"""CHAIR (Rohrbach et al. 2018): how often captions name objects that are not in the image."""

from collections.abc import Set
from functools import cache
from itertools import chain

import numpy as np

from clcap_cli.digests import digest_of_json
from clcap_cli.errors import ClcapError
from clcap_cli.metrics.metric import LOWER, NEITHER, Metric, MetricInfo
from clcap_cli.metrics.object_names import Names, listed_phrases, objects_in
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import COUNT, SHARE
from clcap_cli.metrics.statistic import Statistic, function_of_sums, mean_of

GROUP = "Hallucination"
WORD_SEGMENTATIONS = ("words", "whitespace")
"""Values of --tokenize whose tokens are English words."""


def objects_of_images(predictions: Predictions) -> list[Set[str]]:
    """(N,) the objects in each image: those of its annotations, and those that its references name."""
    annotated = predictions.context.objects or [frozenset()] * len(predictions.ids)
    named = [_all_objects(chain.from_iterable(map(objects_in, group))) for group in predictions.references]
    return [of_annotations | of_references for of_annotations, of_references in zip(annotated, named, strict=True)]


def _all_objects(phrases: chain[Names]) -> Set[str]:
    return frozenset(name for names in phrases for name in names)


def _measure(predictions: Predictions) -> Columns:
    segmenter = predictions.context.segmenter
    if segmenter is not None and segmenter.name not in WORD_SEGMENTATIONS:
        raise ClcapError(f"CHAIR reads English words, which --tokenize {segmenter.name} does not give")
    present = [predictions.cached(objects_of_images)[image] for image in predictions.image_index]
    mentioned = [objects_in(text) for text in predictions.captions]
    hallucinated = [
        [names[0] for names in phrases if there.isdisjoint(names)]
        for phrases, there in zip(mentioned, present, strict=True)
    ]
    return {
        "CHAIR_i": [len(wrong) / max(1, len(all)) for wrong, all in zip(hallucinated, mentioned, strict=True)],
        "CHAIR_s": [float(bool(wrong)) for wrong in hallucinated],
        "mentioned_objects": [len(phrases) for phrases in mentioned],
        "hallucinated_objects": hallucinated,
    }


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    mentioned = predictions.column("mentioned_objects")
    hallucinated = np.array([len(names) for names in predictions.columns["hallucinated_objects"]], dtype=np.float64)
    counts = predictions.mean_by_image(np.stack([hallucinated, mentioned], axis=1))
    return {
        "CHAIR_i": function_of_sums(counts, _share),
        "CHAIR_s": mean_of(predictions.mean_by_image(predictions.column("CHAIR_s"))),
        "mentioned_objects": mean_of(counts[:, 1]),
    }


def _share(sums: np.ndarray) -> np.ndarray:
    """(resamples,) hallucinated / mentioned objects from (resamples, 2); 0 without a mentioned object."""
    return np.divide(sums[:, 0], sums[:, 1], out=np.zeros(len(sums)), where=sums[:, 1] > 0)


@cache
def _digest_of_words() -> str:
    return digest_of_json(sorted(listed_phrases().items()))[:8]


def _signature(predictions: Predictions) -> dict[str, str]:
    annotations = predictions.context.objects_name
    objects = f"{annotations} and the references" if annotations else "the references"
    return {"objects": objects, "words": f"COCO's 80 objects#{_digest_of_words()}"}


METRIC = Metric(
    name="CHAIR",
    group=GROUP,
    values=(
        MetricInfo("CHAIR_i", "Share of mentioned objects that are not in the image; 0 to 1.", LOWER, scale=SHARE),
        MetricInfo("CHAIR_s", "Share of captions that name an object not in the image; 0 to 1.", LOWER, scale=SHARE),
        MetricInfo(
            "mentioned_objects",
            "Mean number of objects that a caption names.",
            NEITHER,
            2,
            scale=COUNT,
            independent_of=("refs", "objects"),
        ),
    ),
    statistics=_statistics,
    measure=_measure,
    columns=("CHAIR_i", "CHAIR_s", "mentioned_objects", "hallucinated_objects"),
    signature=_signature,
)
