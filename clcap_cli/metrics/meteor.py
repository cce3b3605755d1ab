"""METEOR 1.5 (Denkowski & Lavie 2014) as pycocoevalcap calls it: its Java program aligns, in English, normalised."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.artifacts.atomic import temporary_folder
from clcap_cli.metrics.java import SHORT_RUN, JavaProgram, package_folder
from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.paraphrases import phrases_of, read_table, write_needed
from clcap_cli.metrics.predictions import Columns, Context, Predictions
from clcap_cli.metrics.statistic import Statistic, of_sums

if TYPE_CHECKING:
    from pyarrow import ChunkedArray

STAGE_WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])
"""Of exact, stem, synonym and paraphrase matches."""
ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
"""METEOR 1.5's parameters for English."""


@dataclass(frozen=True)
class Meteor:
    """What METEOR found."""

    each: list[float]
    """Of each caption, from 0 to 1."""
    statistics: np.ndarray
    """(captions, 23) counts of a caption and its best reference; they add up to those of all captions together."""


def meteor(captions: Sequence[str], references: Sequence[Sequence[str]], paraphrases: Path) -> Meteor:
    """Score tokenised captions by METEOR's program, which reads the table ``paraphrases`` first.

    Raises JavaError.
    """
    # Without -a it looks for its own table, which fails where the path has a space.
    words = (
        "-Xmx2G",
        "-jar",
        str(package_folder("meteor") / "meteor-1.5.jar"),
        "-",
        "-",
        "-stdio",
        "-l",
        "en",
        "-norm",
    )
    pairs = zip(captions, references, strict=True)
    lines = [" ||| ".join(["SCORE", *map(_clean, group), _clean(text)]) for text, group in pairs]
    with JavaProgram("METEOR", *SHORT_RUN, *words, "-a", str(paraphrases)) as program:
        answers = program.answers()
        program.tell(lines)
        statistics = _take(program, answers, len(lines))
        program.tell(["EVAL ||| " + " ||| ".join(statistics)], last=True)
        *each, _ = map(float, _take(program, answers, len(lines) + 1))
    return Meteor(each, _unbroken(np.array([list(map(float, line.split())) for line in statistics])))


def _take(program: JavaProgram, answers: Iterator[str], count: int) -> list[str]:
    lines = list(islice(answers, count))
    if len(lines) < count or any(line.startswith("Error") for line in lines):
        raise program.failure()
    return lines


def meteor_of(statistics: np.ndarray) -> np.ndarray:
    """METEOR from (…, 23) statistics of a caption, or from their sums over captions; (…,), from 0 to 1."""
    words, reference_words, function_words, reference_function_words = np.moveaxis(statistics[..., :4], -1, 0)
    matches = statistics[..., 4:20].reshape(*statistics.shape[:-1], 4, 4)
    """By stage: content words of the caption, of the reference; function words of the caption, of the reference."""
    chunks, matched, reference_matched = np.moveaxis(statistics[..., 20:], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = _matched(matches[..., 0], matches[..., 2]) / _length(words, function_words)
        recall = _matched(matches[..., 1], matches[..., 3]) / _length(reference_words, reference_function_words)
        mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
        fragments = chunks / ((matched + reference_matched) / 2)
        return np.nan_to_num(mean * (1 - GAMMA * fragments**BETA))


def _unbroken(statistics: np.ndarray) -> np.ndarray:
    """Statistics in which the one chunk of a caption that is its reference is none, as METEOR itself has it."""
    matches = statistics[:, 4:20].reshape(-1, 8, 2).sum(1)
    whole = (matches == statistics[:, :2]).all(1) & (statistics[:, 20] == 1)
    statistics[whole, 20] = 0
    return statistics


def _matched(content: np.ndarray, function: np.ndarray) -> np.ndarray:
    return ((DELTA * content + (1 - DELTA) * function) * STAGE_WEIGHTS).sum(-1)


def _length(words: np.ndarray, function: np.ndarray) -> np.ndarray:
    return DELTA * (words - function) + (1 - DELTA) * function


def _clean(text: str) -> str:
    """The text without METEOR's own separator, as pycocoevalcap cleans captions."""
    return text.replace("|||", "").replace("  ", " ")


def _start(_: Context) -> Callable[[Predictions], Columns]:
    """Read the table of paraphrases, which takes seconds, while the texts are tokenised."""
    return partial(_measure, read_table())


def _measure(table: "ChunkedArray", predictions: Predictions) -> Columns:
    with temporary_folder() as folder:
        needed = folder / "paraphrases.gz"
        texts = [*predictions.captions, *chain.from_iterable(predictions.references)]
        write_needed(table, phrases_of(texts), needed)
        found = meteor(predictions.captions, predictions.own_references, needed)
    return {"METEOR": found.each, "meteor_statistics": found.statistics.tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    return {"METEOR": of_sums(predictions.mean(predictions.column("meteor_statistics")), meteor_of)}


METRIC = Metric(
    name="METEOR",
    group=REFERENCES,
    values=(MetricInfo("METEOR", "Aligned words, stems and synonyms; 0 to 1.", HIGHER),),
    statistics=_statistics,
    start=_start,
    columns=("METEOR", "meteor_statistics"),
    signature=lambda _: {
        "scale": "0-1",
        "impl": f"METEOR-1.5 of pycocoevalcap-{version('pycocoevalcap')}",
        "of": "the corpus",
        "options": "-l en -norm",
    },
    computed="by default",
)
