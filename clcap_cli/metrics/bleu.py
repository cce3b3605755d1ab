"""BLEU (Papineni et al. 2002) of a corpus, from counts that add up over captions."""

from collections.abc import Sequence

import numpy as np

ORDERS = 4
NEARLY_0 = 1e-15
"""Added to numbers of matches and words said, and NEARLY_NOTHING to what they are divided by, as pycocoevalcap does."""
NEARLY_NOTHING = 1e-9


def bleu_statistics(captions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """(captions, 10) counts: words of the caption, of the nearest reference; n-grams said, and right, by order 1-4."""
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
    said, people = statistics[..., 0:1], statistics[..., 1:2]
    precision = (statistics[..., 6:] + NEARLY_0) / (statistics[..., 2:6] + NEARLY_NOTHING)
    bleu = np.cumprod(precision, axis=-1) ** (1 / np.arange(1, ORDERS + 1))
    ratio = (said + NEARLY_0) / (people + NEARLY_NOTHING)
    return np.where(ratio < 1, bleu * np.exp(1 - 1 / ratio), bleu)
