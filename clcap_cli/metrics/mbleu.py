"""mBLEU (Shetty et al. 2017): BLEU-4 of each caption of an image against the image's other captions.

Our reading: the counts of all captions are added up, as BLEU does over a corpus, so that the value does not depend on
the order of an image's captions. An image with one caption has nothing to compare and counts nothing.
"""

from importlib.metadata import version

import numpy as np

from clcap_cli.metrics.bleu import ORDERS, bleu_of, bleu_statistics
from clcap_cli.metrics.metric import DIVERSITY, LOWER, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import Statistic, of_sums, part

BLEU_4 = part(bleu_of, ORDERS - 1)


def against_each_other(predictions: Predictions) -> np.ndarray:
    """(N, 10) counts of BLEU, averaged over an image's captions, each against the others."""
    groups = predictions.by_image(predictions.captions)
    captions = [text for own in groups if len(own) > 1 for text in own]
    others = [own[:at] + own[at + 1 :] for own in groups if len(own) > 1 for at in range(len(own))]
    counts = np.zeros((len(predictions.captions), 2 + 2 * ORDERS))
    counts[np.repeat(predictions.counts > 1, predictions.counts)] = bleu_statistics(captions, others)
    return predictions.mean(counts)


def _by_image(predictions: Predictions) -> Columns:
    if not predictions.several:
        return {}
    return {"mBLEU-4": BLEU_4(predictions.once(against_each_other)).tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    if not predictions.several:
        return {}
    return {"mBLEU-4": of_sums(predictions.once(against_each_other), BLEU_4)}


def _signature(predictions: Predictions) -> dict[str, str]:
    package = f"pycocoevalcap-{version('pycocoevalcap')}"
    return {"scale": "0-1", "impl": package, "of": "the corpus", "captions": predictions.per_image}


METRIC = Metric(
    name="mBLEU",
    group=DIVERSITY,
    values=(MetricInfo("mBLEU-4", "BLEU-4 of a caption against the image's other captions; 0 to 1.", LOWER),),
    statistics=_statistics,
    by_image=_by_image,
    signature=_signature,
    computed="always",
)
