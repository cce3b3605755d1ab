"""Checking texts."""

import re

MAX_WORDS = 2**16
"""Maximum number of words of a caption in clcap's files."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def text_flaw(text: str) -> str | None:
    """Reason why ``text`` cannot be stored as UTF-8; None if it can."""
    if "\0" in text:
        return "contains a NUL character"
    return "contains a lone surrogate (half a character)" if _LONE_SURROGATE.search(text) else None
