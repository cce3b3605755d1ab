"""Checking texts."""

import re

MAX_WORDS = 1_000
"""Maximum number of words or tokens of a caption that is learnt or generated."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def text_flaw(text: str) -> str | None:
    """Reason why ``text`` cannot be stored as UTF-8; None if it can."""
    if "\0" in text:
        return "contains a NUL character"
    return "contains a lone surrogate (half a character)" if _LONE_SURROGATE.search(text) else None
