"""Help as text, for a terminal of any width.

Names stand in a column to the left of their descriptions; on a narrow terminal, descriptions stand below.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from textwrap import wrap

import typer

from clcap_cli.command_line.description import OptionHelp, StageHelp

NARROW, WIDE = 60, 100
"""Terminals with fewer columns than NARROW have no room for two columns; lines longer than WIDE are hard to read."""
COLUMN = 30
"""Width of the left column, with two spaces at either end."""
NO_BREAK, SHORT = "\N{NO-BREAK SPACE}", 30
Row = tuple[str, str]
"""What is typed, and its description."""


def terminal_width() -> int:
    """Columns to fill; COLUMNS in the environment overrides what the terminal has."""
    return min(shutil.get_terminal_size().columns, WIDE)


def stage_help(stage: StageHelp, width: int) -> str:
    """The help of a stage."""
    panels = {str(panel): [_row(option) for option in options] for panel, options in stage.panels.items()}
    return page(stage.usage, [stage.summary, *stage.details], panels, stage.examples, width)


def page(
    usage: str, texts: Sequence[str], panels: Mapping[str, Sequence[Row]], examples: Sequence[str], width: int
) -> str:
    """Usage, paragraphs, headings with what can be typed under each, and commands to copy."""
    left = min(COLUMN, 4 + max(len(typed) for rows in panels.values() for typed, _ in rows))
    parts = ["\n".join(_lines(f"Usage: {usage}", width, 0, 4))]
    parts += ["\n".join(_lines(text, width, 0, 0)) for text in texts]
    for name, rows in panels.items():
        parts.append("\n".join([_heading(name), *(_laid_out(row, left, width) for row in rows)]))
    parts.append("\n".join([_heading("Examples" if len(examples) > 1 else "Example"), *_commands(examples, width)]))
    return "\n\n".join(parts)


def _row(option: OptionHelp) -> Row:
    return option.usage, " ".join([option.text, *map(_unbroken, option.notes)])


def _unbroken(note: str) -> str:
    """A note in brackets; a short one stays on one line."""
    return f"[{note.replace(' ', NO_BREAK) if len(note) < SHORT else note}]"


def _laid_out(row: Row, left: int, width: int) -> str:
    typed, text = row
    if width < NARROW:
        return "\n".join([*_lines(typed, width, 2, 6), *_lines(text, width, 6, 6)])
    first, *others = _lines(text, width, left, left)
    if len(typed) + 4 > left:
        return "\n".join([f"  {typed}", first, *others])
    return "\n".join([f"  {typed}".ljust(left) + first[left:], *others])


def _lines(text: str, width: int, first: int, others: int) -> list[str]:
    """``text`` in lines that are indented; no word is broken, not even one that is longer than a line."""
    lines = wrap(
        text,
        width,
        initial_indent=" " * first,
        subsequent_indent=" " * others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(NO_BREAK, " ") for line in lines]


def _commands(examples: Sequence[str], width: int) -> list[str]:
    return [" \\\n".join(_broken(example, width - 2)) for example in examples]


def _broken(example: str, width: int) -> list[str]:
    """The lines of a command that does not fit on one: broken before an option, and the rest indented."""
    lines = ["  "]
    for piece in _pieces(example):
        if lines[-1].strip() and len(lines[-1]) + 1 + len(piece) > width:
            lines.append("    ")
        lines[-1] += piece if lines[-1].isspace() else f" {piece}"
    return lines


def _pieces(example: str) -> list[str]:
    """A command's words, each option together with its values."""
    pieces: list[str] = []
    for word in example.split():
        if word.startswith("-") or not pieces or not pieces[-1].startswith("-"):
            pieces.append(word)
        else:
            pieces[-1] += f" {word}"
    return pieces


def _heading(text: str) -> str:
    return typer.style(text, bold=True) if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text
