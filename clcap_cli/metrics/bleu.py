"""BLEU (Papineni et al. 2002) of a corpus, computed from counts that are summed over captions."""

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import Statistic, column_of, function_of_sums

MAX_N = 4
NAMES = tuple(f"BLEU-{n}" for n in range(1, MAX_N + 1))
NUMERATOR_EPSILON = 1e-15
"""Added to numerators, and DENOMINATOR_EPSILON to denominators, as pycocoevalcap does."""
DENOMINATOR_EPSILON = 1e-9


def bleu_statistics(captions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """(captions, 10) words of the caption and of the reference closest in length; n-grams and matched ones, n = 1-4."""
    from pycocoevalcap.bleu.bleu_scorer import BleuScorer

    scorer = BleuScorer(n=MAX_N)
    for text, group in zip(captions, references, strict=True):
        scorer += (text, list(group))
    rows = [
        [counts["testlen"], _closest(counts["reflen"], counts["testlen"]), *counts["guess"], *counts["correct"]]
        for counts in scorer.ctest
    ]
    return np.array(rows, dtype=np.float64)


def _closest(lengths: Sequence[int], length: int) -> int:
    return min((abs(other - length), other) for other in lengths)[1]


def bleu_of(statistics: np.ndarray) -> np.ndarray:
    """(…, 4) BLEU-1 to 4 from 0 to 1 of statistics (…, 10) of a caption, or of their sums over captions."""
    length, reference_length = statistics[..., 0:1], statistics[..., 1:2]
    precision = (statistics[..., 6:] + NUMERATOR_EPSILON) / (statistics[..., 2:6] + DENOMINATOR_EPSILON)
    bleu = np.cumprod(precision, axis=-1) ** (1 / np.arange(1, MAX_N + 1))
    ratio = (length + NUMERATOR_EPSILON) / (reference_length + DENOMINATOR_EPSILON)
    return np.where(ratio < 1, bleu * np.exp(1 - 1 / ratio), bleu)


def _counts(predictions: Predictions) -> np.ndarray:
    return bleu_statistics(predictions.captions, predictions.references_by_caption)


def _measure(predictions: Predictions) -> Columns:
    return dict(zip(NAMES, bleu_of(predictions.cached(_counts)).T.tolist(), strict=True))


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    counts = predictions.mean_by_image(predictions.cached(_counts))
    return {name: function_of_sums(counts, column_of(bleu_of, index)) for index, name in enumerate(NAMES)}


METRIC = Metric(
    name="BLEU",
    group=REFERENCES,
    values=tuple(
        MetricInfo(name, f"Precision of n-grams up to {n} words; 0 to 1.", HIGHER)
        for n, name in enumerate(NAMES, start=1)
    ),
    statistics=_statistics,
    measure=_measure,
    columns=NAMES,
    signature=lambda _: {
        "scale": "0-1",
        "impl": f"pycocoevalcap-{version('pycocoevalcap')}",
        "of": "the corpus",
        "length": "closest",
    },
    computed="by default",
)
