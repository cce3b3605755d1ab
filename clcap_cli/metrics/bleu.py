"""BLEU (Papineni et al. 2002) of a corpus, from counts that add up over captions."""

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.statistic import Statistic, of_sums, part

ORDERS = 4
NAMES = tuple(f"BLEU-{order}" for order in range(1, ORDERS + 1))
NEARLY_0 = 1e-15
"""Added to numbers of matches and of words, and NEARLY_NOTHING to what they are divided by, as pycocoevalcap does."""
NEARLY_NOTHING = 1e-9


def bleu_statistics(captions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """(captions, 10) counts: words of caption and nearest reference; n-grams, and matching ones, by order 1-4."""
    from pycocoevalcap.bleu.bleu_scorer import BleuScorer

    scorer = BleuScorer(n=ORDERS)
    for text, group in zip(captions, references, strict=True):
        scorer += (text, list(group))
    rows = [
        [counts["testlen"], _nearest(counts["reflen"], counts["testlen"]), *counts["guess"], *counts["correct"]]
        for counts in scorer.ctest
    ]
    return np.array(rows, dtype=np.float64)


def _nearest(lengths: Sequence[int], length: int) -> int:
    return min((abs(other - length), other) for other in lengths)[1]


def bleu_of(statistics: np.ndarray) -> np.ndarray:
    """BLEU-1 to 4 from (…, 10) statistics of a caption, or from their sums over captions; (…, 4), from 0 to 1."""
    length, reference_length = statistics[..., 0:1], statistics[..., 1:2]
    precision = (statistics[..., 6:] + NEARLY_0) / (statistics[..., 2:6] + NEARLY_NOTHING)
    bleu = np.cumprod(precision, axis=-1) ** (1 / np.arange(1, ORDERS + 1))
    ratio = (length + NEARLY_0) / (reference_length + NEARLY_NOTHING)
    return np.where(ratio < 1, bleu * np.exp(1 - 1 / ratio), bleu)


def _counts(predictions: Predictions) -> np.ndarray:
    return bleu_statistics(predictions.captions, predictions.own_references)


def _measure(predictions: Predictions) -> Columns:
    return dict(zip(NAMES, bleu_of(predictions.once(_counts)).T.tolist(), strict=True))


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    counts = predictions.mean(predictions.once(_counts))
    return {name: of_sums(counts, part(bleu_of, at)) for at, name in enumerate(NAMES)}


METRIC = Metric(
    name="BLEU",
    group=REFERENCES,
    values=tuple(
        MetricInfo(name, f"Precision of n-grams up to {order} words; 0 to 1.", HIGHER)
        for order, name in enumerate(NAMES, start=1)
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
