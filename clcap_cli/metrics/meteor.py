"""METEOR 1.5 (Denkowski & Lavie 2014) as pycocoevalcap calls it: its Java program aligns, in English, normalised."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from clcap_cli.metrics.java import SHORT_RUN, JavaProgram, package_folder

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
    said, people, said_function, people_function = np.moveaxis(statistics[..., :4], -1, 0)
    matches = statistics[..., 4:20].reshape(*statistics.shape[:-1], 4, 4)
    """By stage: content words said, of people; function words said, of people."""
    chunks, said_matches, people_matches = np.moveaxis(statistics[..., 20:], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = _matched(matches[..., 0], matches[..., 2]) / _length(said, said_function)
        recall = _matched(matches[..., 1], matches[..., 3]) / _length(people, people_function)
        mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
        fragments = chunks / ((said_matches + people_matches) / 2)
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
