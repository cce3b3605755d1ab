"""mBLEU (Shetty et al. 2017): BLEU-4 of each caption of an image against the image's other captions.

Our reading: counts are summed over all captions, as in BLEU of a corpus, so that the value does not depend on the order
of an image's captions. Images with a single caption are ignored.
"""

from importlib.metadata import version

import numpy as np

from clcap_cli.metrics.bleu import bleu_counts
from clcap_cli.metrics.bleu_smoothing import bleu_of
from clcap_cli.metrics.metric import DIVERSITY, LOWER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import Statistic, column_of, function_of_sums

ORDER = 4
BLEU_4 = column_of(bleu_of, ORDER - 1)


def mutual_bleu_statistics(predictions: Predictions) -> np.ndarray:
    """(N, 10) BLEU's counts of an image's captions against its other captions, averaged over its captions."""
    groups = [group for group in predictions.grouped_by_image(predictions.captions) if len(group) > 1]
    captions = [text for group in groups for text in group]
    others = [group[:position] + group[position + 1 :] for group in groups for position in range(len(group))]
    counts = np.zeros((len(predictions.captions), 2 + 2 * ORDER))
    has_others = np.repeat(predictions.caption_counts > 1, predictions.caption_counts)
    counts[has_others] = bleu_counts(captions, others, ORDER)
    return predictions.mean_by_image(counts)


def _by_image(predictions: Predictions) -> Columns:
    if not predictions.has_multiple_captions:
        return {}
    return {"mBLEU-4": BLEU_4(predictions.cached(mutual_bleu_statistics)).tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    if not predictions.has_multiple_captions:
        return {}
    return {"mBLEU-4": function_of_sums(predictions.cached(mutual_bleu_statistics), BLEU_4)}


def _signature(predictions: Predictions) -> dict[str, str]:
    package = f"pycocoevalcap-{version('pycocoevalcap')}"
    return {"scale": "0-1", "impl": package, "of": "the corpus", "captions": predictions.captions_per_image}


METRIC = Metric(
    name="mBLEU",
    group=DIVERSITY,
    values=(
        MetricInfo(
            "mBLEU-4",
            "BLEU-4 of a caption against the image's other captions; 0 to 1.",
            LOWER,
            scale=SHARE,
            independent_of=("refs",),
        ),
    ),
    statistics=_statistics,
    by_image=_by_image,
    signature=_signature,
    computed="always",
)
