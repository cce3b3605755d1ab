"""The one rule by which clcap turns a caption into words."""

import re

_APOSTROPHES = re.compile(r"['’`]")
_NOT_A_WORD = re.compile(r"[\W_]+")


def words_of(caption: str) -> list[str]:
    """Split a caption into lower-case words without punctuation.

    An apostrophe disappears (``dog's`` is ``dogs``); every other mark, hyphens too, separates words.
    """
    return _NOT_A_WORD.sub(" ", _APOSTROPHES.sub("", caption.lower())).split()
