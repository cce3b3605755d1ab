"""Quotation marks in delimited text that are opened by mistake and swallow the rows up to the next one."""

from collections.abc import Sequence
from pathlib import Path

from clcap_cli.datasets.file_names import without_suffix
from clcap_cli.errors import ClcapError


def check_quotes(path: Path, columns: Sequence[str], fields: Sequence[str], separator: str, location: str) -> None:
    """Raise ClcapError if a field contains lines that look like rows of the table."""
    for field in fields:
        lines = field.replace("\r\n", "\n").split("\n")[1:]
        swallowed = [line for line in lines if _looks_like_row(line, columns, fields, separator)]
        if swallowed:
            raise swallowed_error(path, location, f", such as '{swallowed[0][:60]}'")


def swallowed_error(path: Path, location: str, example: str = "") -> ClcapError:
    """An error about a quotation mark in the row at ``location``."""
    return ClcapError(
        f"{path}: {location}: a quotation mark opens a field that contains the following lines too{example}; double "
        "quotation marks that are part of a caption, and put the caption in quotes"
    )


def _looks_like_row(line: str, columns: Sequence[str], fields: Sequence[str], separator: str) -> bool:
    cells = line.rstrip("\r").split(separator)
    if len(columns) > 2 and len(cells) == len(columns):
        return True
    return len(cells) >= len(columns) and any(map(_same_kind, cells, fields))


def _same_kind(one: str, other: str) -> bool:
    """Whether two cells are both image names or both numbers."""
    if one.strip().isdigit():
        return other.strip().isdigit()
    return all(" " not in text.strip() and without_suffix(text.strip()) != text.strip() for text in (one, other))
