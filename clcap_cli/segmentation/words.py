"""Words: runs of letters and digits with their combining marks, as most languages with spaces write them."""

import re
import unicodedata

import regex

from clcap_cli.segmentation.segmenter import Segmenter

_APOSTROPHES = re.compile(r"['’`]")
_NOT_ASCII_WORD = re.compile(r"[\W_]+")
_REMOVED = regex.compile(r"['’`\u05F3\u05F4\u00AD]|(?<=i)\u0307")
"""Apostrophes, also Hebrew ones; the soft hyphen; and the dot that Python's lower case of the Turkish İ leaves."""
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*+(?:[\u200C\u200D]+[\p{L}\p{N}\p{M}]+)*+")
"""Letters and digits with their marks; joiners (ZWNJ, ZWJ) may stand between them, as in Persian and Sinhala."""


def split_words(caption: str) -> list[str]:
    """Split a caption into lower-case words without punctuation, in the Unicode form NFC.

    Letters keep their combining marks. Apostrophes are removed (``dog's`` becomes ``dogs``); all other punctuation,
    including hyphens, separates words.
    """
    if caption.isascii():  # no marks, so that a faster expression finds the same words
        return _NOT_ASCII_WORD.sub(" ", _APOSTROPHES.sub("", caption.lower())).split()
    lower = unicodedata.normalize("NFC", caption).lower()
    return _WORD.findall(unicodedata.normalize("NFC", _REMOVED.sub("", lower)))


SEGMENTER = Segmenter(name="words", split=split_words, join=" ".join)
