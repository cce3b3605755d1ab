"""Any text as LaTeX that compiles with every engine, and its approximate width."""

import re
import unicodedata
from functools import cache

from clcap_cli.console import escaped

_WIDTHS = {
    0.296: "!',.:;[]`il",
    0.355: "fj- |",
    0.385: "I_",
    0.420: "()trs",
    0.473: "cez",
    0.532: '$*/0123456789\\^ago{}~?"',
    0.561: "Jkqvxy",
    0.591: "Sbdhnpu",
    0.694: "ZLF",
    0.753: "EPB",
    0.796: "CTwRAHNUVXY",
    0.834: "DKG&+=@OQ<>±",
    0.973: "#%mM",
    1.091: "W",
}
"""Largest widths of characters in em of Computer Modern at 8 points."""
BREAK = "\u200b"
"""A place where a line may end: a space without width."""
_COMMANDS = {
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    **{mark: f"{{{mark}}}" for mark in "[]*"},  # after \\, these would be read as its argument
    BREAK: r"\allowbreak{}",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    "<": "$<$",
    ">": "$>$",
    "|": r"\textbar{}",
    '"': r"''",
    **{"ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}"},
    **{"æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}"},
    **dict(
        zip("\u2013\u2014\u2018\u2019\u201c\u201d\u2026", ("--", "---", "`", "'", "``", "''", r"\dots{}"), strict=True)
    ),
    **{"↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\rightarrow$", "←": r"$\leftarrow$"},
    **{"±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "°": r"$^\circ$", "∞": r"$\infty$", "\u2212": "$-$"},
    **{"µ": r"$\mu$", "²": "$^2$", "³": "$^3$", "§": r"\S{}", "£": r"\pounds{}", "€": r"\texteuro{}"},
    "†": r"$\dagger$",
    **{"≤": r"$\le$", "≥": r"$\ge$", "≠": r"$\ne$", "≈": r"$\approx$"},
}
_ACCENTS = dict(zip("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030b\u030c", "`'^~=u.\"Hv", strict=True))
_GREEK = {
    f"{'SMALL' if name.islower() else 'CAPITAL'} LETTER {name.upper().replace('MBDA', 'MDA')}": name
    for names in (
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi",
        "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega",
    )
    for name in names.split()
}
"""Commands of Greek letters by their Unicode names, which spell lambda without b."""
_WIDEST = 1.3


def latex_text(text: str) -> str:
    """``text`` as LaTeX; a character that the standard fonts lack is written as its code, such as U+540D."""
    return re.sub(r"([-'`,])(?=\1)", r"\1{}", "".join(_latex(mark) for mark in one_line(text)))


def latex_paragraph(text: str) -> str:
    """``text`` as LaTeX; words that LaTeX does not hyphenate, such as names of runs, may be broken anywhere."""
    return latex_text(re.sub(r"\S{12,}", lambda word: _breakable(word[0]), one_line(text)))


def _breakable(word: str) -> str:
    is_hyphenated = len(word) < 30 and re.fullmatch(r"\(?[A-Za-z-]+[.,:;)]*", word)
    return word if is_hyphenated else BREAK.join(re.findall(".{1,5}" if word.isascii() else ".", word))


def width(text: str) -> float:
    """The width of ``text`` in em of Computer Modern at 8 points, rather too large than too small."""
    return sum(map(_width, one_line(text)))


def one_line(text: str) -> str:
    """``text`` with single spaces and visible control characters, its accents joined with their letters."""
    return unicodedata.normalize("NFC", escaped(" ".join(text.split())))


@cache
def _latex(mark: str) -> str:
    if mark.isascii() or mark in _COMMANDS:
        return _COMMANDS.get(mark, mark)
    return _greek(mark) or _accented(mark) or f"U+{ord(mark):04X}"


def _greek(mark: str) -> str:
    command = _GREEK.get(unicodedata.name(mark, "").removeprefix("GREEK "), "")
    return f"$\\{command}$" if command else ""


def _accented(mark: str) -> str:
    parts = unicodedata.normalize("NFD", mark)
    known = len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS
    return f"\\{_ACCENTS[parts[1]]}{{{parts[0]}}}" if known else ""


@cache
def _width(mark: str) -> float:
    code = _latex(mark) if not mark.isascii() else ""
    if code.startswith("U+"):
        return sum(map(_width, code))
    return next((size for size, marks in _WIDTHS.items() if mark in marks), _WIDEST)
