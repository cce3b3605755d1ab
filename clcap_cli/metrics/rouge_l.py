"""ROUGE-L (Lin 2004): F-measure of the longest common subsequence, as in pycocoevalcap."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.predictions import Columns, Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import mean_of

BETA = 1.2
"""Weight of recall against precision, that of COCO's evaluation."""


def rouge_l(caption: str, references: Sequence[str]) -> float:
    """ROUGE-L of a caption, bit for bit that of pycocoevalcap; an empty text counts as one empty word, as there."""
    words, groups = caption.split(" "), [text.split(" ") for text in references]
    positions = _positions(words)
    common = [_common_length(positions, len(words), group) for group in groups]
    precision = max(common) / len(words)
    recall = max(length / len(group) for length, group in zip(common, groups, strict=True))
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision) if recall else 0.0


def _positions(words: Sequence[str]) -> dict[str, int]:
    """A number for each word with a 1 bit at each of its positions."""
    found: dict[str, int] = {}
    for position, word in enumerate(words):
        found[word] = found.get(word, 0) | 1 << position
    return found


def _common_length(positions: Mapping[str, int], length: int, words: Sequence[str]) -> int:
    """Length of the longest common subsequence of ``words`` and ``length`` words with these positions.

    The table of dynamic programming is computed a row at a time, with one bit per column (Hyyrö 2004).
    """
    row = every = (1 << length) - 1
    for word in words:
        matching = row & positions.get(word, 0)
        row = row + matching | row - matching
    return length - (row & every).bit_count()


def _measure(predictions: Predictions) -> Columns:
    pairs = zip(predictions.captions, predictions.references_by_caption, strict=True)
    return {"ROUGE_L": [rouge_l(text, references) for text, references in pairs]}


METRIC = Metric(
    name="ROUGE_L",
    group=REFERENCES,
    values=(MetricInfo("ROUGE_L", "Longest common subsequence with a reference; 0 to 1.", HIGHER, scale=SHARE),),
    statistics=lambda predictions: {"ROUGE_L": mean_of(predictions.mean_by_image(predictions.column("ROUGE_L")))},
    measure=_measure,
    columns=("ROUGE_L",),
    signature=lambda _: {"scale": "0-1", "impl": f"pycocoevalcap-{version('pycocoevalcap')}", "beta": "1.2"},
    computed="by default",
)
