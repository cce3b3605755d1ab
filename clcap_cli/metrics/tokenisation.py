"""Tokenisation of captions and references before they are scored: COCO's, or that of a segmenter."""

from collections.abc import Sequence

from clcap_cli.metrics import ptb_tokenizer
from clcap_cli.segmentation.segmenter import Segmenter


def tokenise(segmenter: Segmenter | None, *groups: Sequence[str]) -> list[list[str]]:
    """Tokenise each group of texts: tokens of the resulting texts are separated by single spaces.

    None stands for the PTB tokeniser of COCO's evaluation. Raises ClcapError when the tokeniser fails.
    """
    if segmenter is None:
        return ptb_tokenizer.tokenise(*groups)
    return [[segmenter.text(text) for text in group] for group in groups]


def tokenisation_signature(segmenter: Segmenter | None) -> str:
    """The tokeniser and its version, as in signatures."""
    return ptb_tokenizer.NAME if segmenter is None else segmenter.signature
