"""Breaking texts into lines of limited width."""

import re
from collections.abc import Iterator

from clcap_cli.reporting.tables.latex_text import one_line, width

_AFTER_SPACES = r"(?<= )"
_AFTER_PUNCTUATION = r"(?<=[ _/.+=,-])(?=[^ _/.+=,-])"


def name_lines(name: str, limit: float) -> list[str]:
    """The lines of a name, broken after spaces and punctuation or, in long words, anywhere."""
    return _lines(re.split(_AFTER_PUNCTUATION, one_line(name)), limit)


def head_lines(head: str, most: int, least_width: float, most_width: float) -> list[str]:
    """At most ``most`` lines of a head, as narrow as possible but no narrower than ``least_width``.

    Only words wider than ``most_width`` are broken, and these give more lines.
    """
    words = re.split(_AFTER_SPACES, one_line(head))
    spans = {
        width("".join(words[start:end]).rstrip())
        for start in range(len(words))
        for end in range(start + 1, len(words) + 1)
    }
    limits = sorted({max(span, least_width) for span in spans if max(map(width, words)) <= span <= most_width})
    return next((lines for limit in limits if len(lines := _lines(words, limit)) <= most), _lines(words, most_width))


def _lines(words: list[str], limit: float) -> list[str]:
    """Words in lines that are no wider than ``limit``, unless a line is a single character; at least one line."""
    lines = [""]
    for piece in _pieces(words, limit):
        if lines[-1] and width((lines[-1] + piece).rstrip()) > limit:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _pieces(words: list[str], limit: float) -> Iterator[str]:
    """Words that fit, and the single characters of longer words."""
    for word in words:
        yield from [word] if width(word.rstrip()) <= limit else word
