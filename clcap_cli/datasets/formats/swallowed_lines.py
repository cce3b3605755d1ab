"""Quotation marks in delimited text that are opened by mistake and swallow the rows up to the next one."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from clcap_cli.datasets.file_names import is_image_name
from clcap_cli.errors import ClcapError

_LETTERS = "a"


def check_quotes(path: Path, columns: Sequence[str], fields: Sequence[str], separator: str, location: str) -> None:
    """Raise ClcapError if the row at ``location`` has a field with lines that look like rows of the table.

    A caption of several lines is no error: its lines lack the image's name or id, or the split.
    """
    for index, field in enumerate(fields):
        lines = re.split(r"\r\n|\n|\r", field)
        if len(lines) > 1 and len(fields) < len(columns):
            raise swallowed_error(path, location, _example(lines[1]))
        lines[-1] = separator.join([lines[-1], *fields[index + 1 :]])
        for line in lines[1:]:
            if _looks_like_row(line.split(separator), columns, fields, index):
                raise swallowed_error(path, location, _example(line))


def swallowed_error(path: Path, location: str, reason: str) -> ClcapError:
    """An error about a quotation mark in the row at ``location``."""
    return ClcapError(
        f"{path}: {location}: a quotation mark opens a field that {reason}; double quotation marks that are part of a "
        "caption, and put the caption in quotes"
    )


def _example(line: str) -> str:
    return f"contains the following lines too, such as '{line[:60]}'"


def _looks_like_row(cells: Sequence[str], columns: Sequence[str], fields: Sequence[str], index: int) -> bool:
    """Whether the cells around the column ``index`` have the kinds of those in ``fields``."""
    if len(cells) < len(columns):
        return False
    pairs = list(_kinds(cells, columns, fields, index))
    distinctive = len(pairs) > 1 or any(own != _LETTERS for own, _ in pairs)
    return bool(pairs) and distinctive and all(own == other for own, other in pairs)


def _kinds(
    cells: Sequence[str], columns: Sequence[str], fields: Sequence[str], index: int
) -> Iterator[tuple[str, str | None]]:
    """The kinds of the cells in ``fields`` and of those at the same place, before and after the column ``index``."""
    for column in range(len(columns)):
        own = _kind(fields[column]) if column != index else None
        if own is not None:
            yield own, _kind(cells[column if column < index else column - len(columns)])


def _kind(cell: str) -> str | None:
    """The kind of an image's name, a number or a word; None for texts of several words."""
    text = cell.strip(' "')
    if is_image_name(text):
        return "image"
    if not text or re.search(r"\s", text):
        return None
    return re.sub(r"[0-9]+", "0", re.sub(r"[^\W\d_]+", _LETTERS, text))
