"""Checking texts, and splitting captions into words."""

import re

MAX_WORDS = 2**16
"""Maximum number of words of a caption in clcap's files."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_APOSTROPHES = re.compile(r"['’`]")
_NOT_A_WORD = re.compile(r"[\W_]+")


def text_flaw(text: str) -> str | None:
    """Reason why ``text`` cannot be stored as UTF-8; None if it can."""
    if "\0" in text:
        return "contains a NUL character"
    return "contains a lone surrogate (half a character)" if _LONE_SURROGATE.search(text) else None


def split_words(caption: str) -> list[str]:
    """Split a caption into lower-case words without punctuation.

    Apostrophes are removed (``dog's`` becomes ``dogs``); all other punctuation, including hyphens, separates words.
    """
    return _NOT_A_WORD.sub(" ", _APOSTROPHES.sub("", caption.lower())).split()
