"""METEOR 1.5 (Denkowski & Lavie 2014) for English, run with its Java program and the options of pycocoevalcap."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain, islice
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.artifacts.temporary_files import temporary_folder
from clcap_cli.metrics.java import JavaProgram, pycocoevalcap_folder
from clcap_cli.metrics.java_runtime import LARGEST_HEAP, SHORT_RUN
from clcap_cli.metrics.metric import HIGHER, REFERENCES, Metric, MetricInfo
from clcap_cli.metrics.paraphrases import phrases_in, read_paraphrase_table, write_matching_entries
from clcap_cli.metrics.predictions import Columns, Context, Predictions
from clcap_cli.metrics.scale import SHARE
from clcap_cli.metrics.statistic import Statistic, function_of_sums

if TYPE_CHECKING:
    from pyarrow import ChunkedArray

STAGE_WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])
"""Weights of exact, stem, synonym and paraphrase matches."""
ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
"""METEOR 1.5's parameters for English."""
PROGRAMS = 2
"""Largest number of METEOR's programs that run at a time; each takes half a gigabyte."""
CAPTIONS_PER_PROGRAM = 10_000
"""Number of captions from which on it saves time to start another program."""
LANGUAGE = ("-l", "en")
NORMALISE = "-norm"
"""Option with which METEOR splits texts once more; it would take apart tokens in Chinese, Hindi and other scripts."""


@dataclass(frozen=True)
class MeteorScores:
    """METEOR of captions."""

    scores: list[float]
    """(captions,) scores from 0 to 1."""
    statistics: np.ndarray
    """(captions, 23) counts of each caption and its best reference, whose sums give the score of the corpus."""


def score_meteor(
    captions: Sequence[str], references: Sequence[Sequence[str]], paraphrases: Path, options: Sequence[str]
) -> MeteorScores:
    """Score tokenised captions with METEOR's program, its options and the paraphrase table at ``paraphrases``.

    Many captions are scored by several programs, which run in parallel. Raises JavaError.
    """
    programs = min(PROGRAMS, ceil(len(captions) / CAPTIONS_PER_PROGRAM))
    size = ceil(len(captions) / programs)
    parts = [slice(first, first + size) for first in range(0, len(captions), size)]

    def score(part: slice) -> MeteorScores:
        return _run_program(captions[part], references[part], paraphrases, options)

    with ThreadPoolExecutor(programs) as pool:
        results = list(pool.map(score, parts))
    scores = [score for result in results for score in result.scores]
    return MeteorScores(scores, np.concatenate([result.statistics for result in results]))


def _run_program(
    captions: Sequence[str], references: Sequence[Sequence[str]], paraphrases: Path, options: Sequence[str]
) -> MeteorScores:
    jar = str(pycocoevalcap_folder("meteor") / "meteor-1.5.jar")
    pairs = zip(captions, references, strict=True)
    lines = [" ||| ".join(["SCORE", *map(_clean, group), _clean(text)]) for text, group in pairs]
    # Without -a METEOR looks for its own table, which fails if the path contains a space.
    arguments = (*SHORT_RUN, LARGEST_HEAP, "-jar", jar, "-", "-", "-stdio", *options, "-a", str(paraphrases))
    with JavaProgram("METEOR", *arguments) as program:
        output = program.read_lines()
        program.send(lines)
        statistics = _read(program, output, len(lines))
        program.send(["EVAL ||| " + " ||| ".join(statistics)], last=True)
        *scores, _ = map(float, _read(program, output, len(lines) + 1))
    counts = np.array([list(map(float, line.split())) for line in statistics])
    return MeteorScores(scores, _without_fragmentation_of_exact_matches(counts))


def _read(program: JavaProgram, output: Iterator[str], count: int) -> list[str]:
    lines = list(islice(output, count))
    if len(lines) < count or any(line.startswith("Error") for line in lines):
        raise program.error()
    return lines


def meteor_of(statistics: np.ndarray) -> np.ndarray:
    """(…,) METEOR from 0 to 1 of statistics (…, 23) of a caption, or of their sums over captions."""
    words, reference_words, function_words, reference_function_words = np.moveaxis(statistics[..., :4], -1, 0)
    matches = statistics[..., 4:20].reshape(*statistics.shape[:-1], 4, 4)
    """(…, stages, 4) matched content words of the caption and of the reference, then function words of both."""
    chunks, matched, reference_matched = np.moveaxis(statistics[..., 20:], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = _weighted_matches(matches[..., 0], matches[..., 2]) / _weighted_length(words, function_words)
        recall = _weighted_matches(matches[..., 1], matches[..., 3]) / _weighted_length(
            reference_words, reference_function_words
        )
        mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
        fragmentation = chunks / ((matched + reference_matched) / 2)
        return np.nan_to_num(mean * (1 - GAMMA * fragmentation**BETA))


def _without_fragmentation_of_exact_matches(statistics: np.ndarray) -> np.ndarray:
    """Statistics in which a caption that equals its reference has no chunk, as METEOR counts it."""
    matches = statistics[:, 4:20].reshape(-1, 8, 2).sum(1)
    exact = (matches == statistics[:, :2]).all(1) & (statistics[:, 20] == 1)
    statistics[exact, 20] = 0
    return statistics


def _weighted_matches(content: np.ndarray, function: np.ndarray) -> np.ndarray:
    return ((DELTA * content + (1 - DELTA) * function) * STAGE_WEIGHTS).sum(-1)


def _weighted_length(words: np.ndarray, function: np.ndarray) -> np.ndarray:
    return DELTA * (words - function) + (1 - DELTA) * function


def _clean(text: str) -> str:
    """The text without METEOR's separator, as pycocoevalcap cleans captions."""
    return text.replace("|||", "").replace("  ", " ")


def _options(predictions: Predictions) -> list[str]:
    """METEOR's options: those of pycocoevalcap for its tokens, and no further splitting of other tokens."""
    return [*LANGUAGE, *([NORMALISE] if predictions.context.segmenter is None else [])]


def _start(_: Context) -> Callable[[Predictions], Columns]:
    """Read the paraphrase table, which takes seconds, while the texts are tokenised."""
    tables = [read_paraphrase_table()]
    return lambda predictions: _measure(tables, predictions)


def _measure(tables: "list[ChunkedArray]", predictions: Predictions) -> Columns:
    """The columns; the paraphrase table is taken from ``tables``, so that its memory is free while METEOR runs."""
    with temporary_folder() as folder:
        paraphrases = folder / "paraphrases.gz"
        texts = chain(predictions.captions, chain.from_iterable(predictions.references))
        write_matching_entries(tables.pop(), phrases_in(texts), paraphrases)
        result = score_meteor(
            predictions.captions, predictions.references_by_caption, paraphrases, _options(predictions)
        )
    return {"METEOR": result.scores, "meteor_statistics": result.statistics.tolist()}


def _statistics(predictions: Predictions) -> dict[str, Statistic]:
    counts = predictions.mean_by_image(predictions.column("meteor_statistics"))
    return {"METEOR": function_of_sums(counts, meteor_of)}


METRIC = Metric(
    name="METEOR",
    group=REFERENCES,
    values=(MetricInfo("METEOR", "Matched words, stems, synonyms and paraphrases; 0 to 1.", HIGHER, scale=SHARE),),
    statistics=_statistics,
    start=_start,
    columns=("METEOR", "meteor_statistics"),
    signature=lambda predictions: {
        "scale": "0-1",
        "impl": f"METEOR-1.5 of pycocoevalcap-{version('pycocoevalcap')}",
        "of": "the corpus",
        "options": " ".join(_options(predictions)),
    },
    computed="by default",
)
