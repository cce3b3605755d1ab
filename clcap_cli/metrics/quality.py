"""Caption quality as the field measures it, on text tokenised by COCO's tokeniser."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from clcap_cli.artifacts.atomic import temporary_folder
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.metrics.bleu import bleu_of, bleu_statistics
from clcap_cli.metrics.cider import CiderD
from clcap_cli.metrics.figures import bleu_figures, mean_figure, meteor_figure
from clcap_cli.metrics.java import ended_together
from clcap_cli.metrics.meteor import meteor
from clcap_cli.metrics.paraphrases import phrases_of, read_table, write_needed
from clcap_cli.metrics.resampling import Draws, Figure, measured
from clcap_cli.metrics.spice import check_spice, models_folder, spice_of
from clcap_cli.metrics.tokeniser import tokenise

METRICS = ("BLEU", "METEOR", "ROUGE_L", "CIDEr", "SPICE")


@dataclass(frozen=True)
class Texts:
    """Captions and their references, tokenised, in the same order."""

    ids: list[ImageId]
    captions: list[str]
    references: list[list[str]]


@dataclass(frozen=True)
class Scores:
    """What one metric found, by the name of its figure."""

    figures: dict[str, float]
    """Over all images."""
    intervals: dict[str, tuple[float, float]]
    """95% confidence."""
    each: dict[str, list[float]]
    """Image by image."""
    statistics: list[list[float]] | None = None
    """METEOR's: (images, 23) counts behind its figure."""


@dataclass(frozen=True)
class Quality:
    """BLEU-1..4, METEOR, ROUGE_L and SPICE from 0 to 1, CIDEr from 0 to 10."""

    texts: Texts
    scores: dict[str, Scores]
    """By metric, in the order of METRICS."""
    not_scored: dict[str, str]
    """Metrics that could not be computed, and why."""

    @property
    def figures(self) -> dict[str, float]:
        """Over all images; BLEU and METEOR are the corpus's, the others are means."""
        return {name: value for scores in self.scores.values() for name, value in scores.figures.items()}

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Of each figure."""
        return {name: ends for scores in self.scores.values() for name, ends in scores.intervals.items()}

    def by_image(self) -> dict[ImageId, dict[str, Any]]:
        """The scores of each image, and METEOR's statistics."""
        columns: dict[str, Sequence] = {}
        for scores in self.scores.values():
            columns |= scores.each
            if scores.statistics is not None:
                columns["meteor_statistics"] = scores.statistics
        return {id: {name: values[at] for name, values in columns.items()} for at, id in enumerate(self.texts.ids)}


def score_captions(
    captions: Mapping[ImageId, str],
    references: Mapping[ImageId, Sequence[str]],
    draws: Draws,
    metrics: Sequence[str] = METRICS,
    corpus: Sequence[Sequence[str]] | None = None,
    spice_models: Path | None = None,
) -> Quality:
    """Tokenise and score one caption an image against what people wrote.

    ``references`` must have every image of ``captions``; ``draws`` are resamples of so many images; CIDEr's document
    frequencies are those of ``corpus``, tokenised, in place of the references. METEOR and SPICE are computed by Java
    beside the other metrics; where it fails them, they are in ``not_scored`` and the others are as they would be.

    Raises ClcapError when the tokeniser fails, and when there is no room for temporary files.
    """
    not_scored: dict[str, str] = {}
    with ThreadPoolExecutor() as pool, temporary_folder() as folder, ended_together():
        table = pool.submit(read_table) if "METEOR" in metrics else None
        texts = tokenised(captions, references)
        java = {}
        if table is not None:
            needed = folder / "paraphrases.gz"
            phrases = phrases_of([*texts.captions, *chain.from_iterable(texts.references)])
            write_needed(table.result(), phrases, needed)
            java["METEOR"] = pool.submit(_meteor, texts, needed, draws)
        if "SPICE" in metrics:
            java["SPICE"] = pool.submit(_spice, texts, spice_models, draws)
        python: dict[str, Callable[[Texts, Draws], Scores]]
        python = {"BLEU": _bleu, "ROUGE_L": _rouge, "CIDEr": partial(_cider, corpus=corpus)}
        found = {name: compute(texts, draws) for name, compute in python.items() if name in metrics}
        for name, scores in java.items():
            try:
                found[name] = scores.result()
            except ClcapError as error:
                not_scored[name] = str(error)
    return Quality(texts, {name: found[name] for name in METRICS if name in found}, not_scored)


def tokenised(captions: Mapping[ImageId, str], references: Mapping[ImageId, Sequence[str]]) -> Texts:
    """One caption an image, and its references; ``references`` must have every image of ``captions``.

    Raises ClcapError when the tokeniser fails.
    """
    ids = list(captions)
    said, flat = tokenise(list(captions.values()), [text for id in ids for text in references[id]])
    return Texts(ids, said, _regrouped(flat, [references[id] for id in ids]))


def tokenised_groups(groups: Sequence[Sequence[str]]) -> list[list[str]]:
    """Groups of texts, tokenised.

    Raises ClcapError when the tokeniser fails.
    """
    (flat,) = tokenise([text for group in groups for text in group])
    return _regrouped(flat, groups)


def _regrouped(flat: Sequence[str], groups: Sequence[Sequence[str]]) -> list[list[str]]:
    rest = iter(flat)
    return [list(islice(rest, len(group))) for group in groups]


def _bleu(texts: Texts, draws: Draws) -> Scores:
    statistics = bleu_statistics(texts.captions, texts.references)
    figures = bleu_figures(statistics)
    return _measured(figures, dict(zip(figures, bleu_of(statistics).T.tolist(), strict=True)), draws)


def _rouge(texts: Texts, draws: Draws) -> Scores:
    from pycocoevalcap.rouge.rouge import Rouge

    scorer = Rouge()
    pairs = zip(texts.captions, texts.references, strict=True)
    return _mean("ROUGE_L", [float(scorer.calc_score([text], group)) for text, group in pairs], draws)


def _cider(texts: Texts, draws: Draws, corpus: Sequence[Sequence[str]] | None) -> Scores:
    cider = CiderD(texts.captions, texts.references, corpus)
    each = cider.each()
    if corpus is not None:
        return _mean("CIDEr", each.tolist(), draws)
    return _measured({"CIDEr": Figure(cider.means)}, {"CIDEr": each.tolist()}, draws)


def _meteor(texts: Texts, paraphrases: Path, draws: Draws) -> Scores:
    found = meteor(texts.captions, texts.references, paraphrases)
    scores = _measured({"METEOR": meteor_figure(found.statistics)}, {"METEOR": found.each}, draws)
    return replace(scores, statistics=found.statistics.tolist())


def _spice(texts: Texts, models: Path | None, draws: Draws) -> Scores:
    folder = models_folder(models)
    check_spice(folder)
    return _mean("SPICE", spice_of(texts.captions, texts.references, folder), draws)


def _mean(name: str, each: list[float], draws: Draws) -> Scores:
    return _measured({name: mean_figure(np.array(each))}, {name: each}, draws)


def _measured(figures: Mapping[str, Figure], each: dict[str, list[float]], draws: Draws) -> Scores:
    values, intervals = measured(figures, draws)
    return Scores(values, intervals, each)
