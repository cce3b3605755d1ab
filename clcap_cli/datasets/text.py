"""The one rule by which clcap turns a caption into words."""

import re

MAX_WORDS = 2**16
"""Words that a caption may have in clcap's files."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_APOSTROPHES = re.compile(r"['’`]")
_NOT_A_WORD = re.compile(r"[\W_]+")


def text_flaw(text: str) -> str | None:
    """Why ``text`` cannot be kept in a file as UTF-8; None where it can."""
    if "\0" in text:
        return "holds a NUL character"
    return "holds half a character (a lone surrogate)" if _LONE_SURROGATE.search(text) else None


def split_words(caption: str) -> list[str]:
    """Split a caption into lower-case words without punctuation.

    An apostrophe disappears (``dog's`` is ``dogs``); every other mark, hyphens too, separates words.
    """
    return _NOT_A_WORD.sub(" ", _APOSTROPHES.sub("", caption.lower())).split()
