"""BLEU (Papineni et al. 2002) of a corpus, computed from counts that are summed over captions."""

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version

import numpy as np

from clcap_cli import __version__
from clcap_cli.metrics.bleu_smoothing import bleu_of
from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import Statistic, column_of, function_of_sums


def bleu_counts(captions: Sequence[str], references: Sequence[Sequence[str]], order: int) -> np.ndarray:
    """(captions, 2 + 2 order) counts of each caption; see ``bleu_smoothing``."""
    from pycocoevalcap.bleu.bleu_scorer import cook_refs, cook_test

    pairs = zip(captions, references, strict=True)
    counted = [cook_test(text, cook_refs(group, n=order), eff="closest", n=order) for text, group in pairs]
    rows = [[counts["testlen"], counts["reflen"], *counts["guess"], *counts["correct"]] for counts in counted]
    return np.array(rows, dtype=np.float64)


def _counts(predictions: Predictions) -> np.ndarray:
    order = predictions.context.bleu.bleu_order
    return bleu_counts(predictions.captions, predictions.references_by_caption, order)


def _names(predictions: Predictions) -> list[str]:
    return [f"BLEU-{n}" for n in range(1, predictions.context.bleu.bleu_order + 1)]


def _measure(predictions: Predictions) -> Columns:
    values = bleu_of(predictions.cached(_counts), predictions.context.bleu.bleu_smoothing)
    return dict(zip(_names(predictions), values.T.tolist(), strict=True))


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    counts = predictions.mean_by_image(predictions.cached(_counts))
    bleu = partial(bleu_of, smoothing=predictions.context.bleu.bleu_smoothing)
    return {name: function_of_sums(counts, column_of(bleu, index)) for index, name in enumerate(_names(predictions))}


def _signature(predictions: Predictions) -> dict[str, str]:
    smoothing = predictions.context.bleu.bleu_smoothing
    own = f"clcap-{__version__}, smoothing {smoothing} of sacreBLEU with effective order"
    implementation = f"pycocoevalcap-{version('pycocoevalcap')}" if smoothing == "coco" else own
    return {"scale": "0-1", "impl": implementation, "of": "the corpus", "length": "closest"}


METRIC = Metric(
    name="BLEU",
    group=REFERENCES,
    values=(MetricInfo("BLEU-{k}", "Precision of n-grams up to {k} words; 0 to 1.", HIGHER, scale=SHARE),),
    statistics=_statistics,
    measure=_measure,
    columns=("BLEU-1",),
    signature=_signature,
    computed="by default",
)
