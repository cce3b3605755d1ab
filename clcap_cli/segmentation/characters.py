"""Characters: grapheme clusters, which are letters with their marks, as readers count them."""

from collections.abc import Iterable

import regex

from clcap_cli.segmentation.scripts import WITHOUT_SPACES, join_words
from clcap_cli.segmentation.segmenter import SPACE, Segmenter
from clcap_cli.segmentation.words import split_words

_GRAPHEME_CLUSTER = regex.compile(r"\X")


def split_characters(caption: str) -> list[str]:
    """Split the words of a caption into grapheme clusters, with ``SPACE`` where a space separates the words."""
    return [
        SPACE if one == " " else one
        for one in _GRAPHEME_CLUSTER.findall(join_words(split_words(caption), WITHOUT_SPACES))
    ]


def join_characters(tokens: Iterable[str]) -> str:
    """Join grapheme clusters to a caption."""
    return "".join(tokens).replace(SPACE, " ").strip()


SEGMENTER = Segmenter(
    name="characters", split=split_characters, join=join_characters, unit="characters", modules=("regex",)
)
