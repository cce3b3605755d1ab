"""Advice on --tokenize where the tokens that are scored are probably not what the user wants."""

from collections.abc import Iterator, Sequence
from itertools import chain

import regex

from clcap_cli.metrics.predictions import Predictions
from clcap_cli.segmentation.scripts import unsegmented_advice
from clcap_cli.segmentation.segmenter import Segmenter
from clcap_cli.segmentation.words import SEGMENTER as WORDS

MANY = 0.1
"""Share of references with punctuation above which advice is given."""
_PUNCTUATION = regex.compile(r"(?<!\S)\p{P}+(?!\S)")


def segmentation_advice(predictions: Predictions) -> str:
    """Advice on the segmentation of scored captions and references; empty if it seems right."""
    return next(_problems(predictions), "")


def _problems(predictions: Predictions) -> Iterator[str]:
    context, references = predictions.context, list(chain.from_iterable(predictions.references))
    trained_with = context.training.tokenizer.segmenter if context.training else WORDS
    if context.segmenter is None and trained_with != WORDS:
        yield _captions_advice(trained_with)
    for name, texts in (("captions", predictions.captions), ("references", references)):
        if advice := unsegmented_advice(texts, name):
            yield advice
    if context.segmenter is None:
        yield from _kept_punctuation(references)


def _captions_advice(segmenter: Segmenter) -> str:
    value = "TOKENIZER.json" if segmenter.tokenizer_json else segmenter.name
    return (
        f"captions.h5 was prepared with --tokenize {segmenter.name}, but the scores use the PTB tokeniser of COCO's "
        f"evaluation, which is made for English; --tokenize {value} scores the tokens of captions.h5"
    )


def _kept_punctuation(references: Sequence[str]) -> Iterator[str]:
    """Advice if the PTB tokeniser left punctuation in many references, which it knows in English only."""
    found = [match.group() for match in map(_PUNCTUATION.search, references) if match]
    if len(found) > MANY * len(references):
        yield (
            f"{len(found):,} of {len(references):,} references contain punctuation that the PTB tokeniser of COCO's "
            f"evaluation keeps as a token, such as '{found[0]}'; --tokenize words leaves punctuation out"
        )
