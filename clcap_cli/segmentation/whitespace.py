"""Tokens separated by white space, for captions that another program has split; case and punctuation count."""

import unicodedata

from clcap_cli.segmentation.segmenter import Segmenter


def split_at_white_space(caption: str) -> list[str]:
    """Split a caption at white space; the tokens are only brought to the Unicode form NFC."""
    return unicodedata.normalize("NFC", caption).split()


SEGMENTER = Segmenter(name="whitespace", split=split_at_white_space, join=" ".join, unit="tokens")
