"""Tables in text files with a header and any separator."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from clcap_cli.datasets.columns import known_content, normal_name
from clcap_cli.datasets.formats.swallowed_lines import check_quotes, swallowed_error
from clcap_cli.datasets.records import counted
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.spreadsheet_cells import text_of_cell
from clcap_cli.datasets.table import Row, Table
from clcap_cli.errors import ClcapError

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar"}
MAX_CELL_LENGTH = 2**31 - 1
"""Maximum number of characters in a cell; unused columns may contain whole images."""
_OFTEN_UNQUOTED = "\t|"
"""Separators of files in which quotation marks may be mere text, such as Flickr30k's."""
_BEFORE_HEADER = re.compile(r"[\s,;|]*|#.*|sep=.", re.IGNORECASE)
_NUMBER_WITHOUT_SEPARATOR = re.compile(r"\s*([0-9]+)\s+(\S.*)")
"""The last field of a row of Flickr30k's CSV that lacks the separator between the caption's number and the caption."""


def _recognises(source: Source) -> bool:
    return separator_of(source) is not None


def separator_of(source: Source) -> str | None:
    """The separator that divides the header into known columns, or into those of --columns; None if none does."""
    number = _header_line(source)
    header = source.first_lines[number] if number < len(source.first_lines) else ""
    chosen = {normal_name(name) for name in source.options.column_names.values()}
    headers: dict[str, list[str]] = {
        separator: next(_reader([header], separator, strict=False), []) for separator in SEPARATORS
    }
    fitting = {
        separator: (len(known_content(columns)), len(columns))
        for separator, columns in headers.items()
        if known_content(columns) or (chosen and chosen <= set(map(normal_name, columns)))
    }
    return max(fitting, key=lambda separator: fitting[separator], default=None)


def _header_line(source: Source) -> int:
    """Number of lines before the header: empty ones, comments, and the line in which Excel names the separator."""
    return next(
        (number for number, line in enumerate(source.first_lines) if not _BEFORE_HEADER.fullmatch(line)),
        len(source.first_lines),
    )


def _read(source: Source) -> Table:
    separator = separator_of(source)
    assert separator
    try:
        return _table(source, separator, quoted=True)
    except ClcapError:
        if separator not in _OFTEN_UNQUOTED:
            raise
        return _table(source, separator, quoted=False)


def _table(source: Source, separator: str, quoted: bool) -> Table:
    lines = _reader(io.StringIO(source.text, newline=""), separator, quoted)
    first_line = 1
    columns: list[str] = []
    rows: list[Row] = []
    notes = [] if separator == "," else [f"separated by {SEPARATORS[separator]}s"]
    empty = 0
    try:
        for _ in range(_header_line(source)):
            next(lines)
        columns = [name.strip() for name in next(lines, [])]
        first_line = lines.line_num + 1
        for fields in lines:
            if fields and not any(map(str.strip, fields)):
                empty += 1
            elif fields:
                location = f"row {len(rows) + empty + 1} (line {first_line})"
                if quoted and lines.line_num > first_line:
                    check_quotes(source.path, columns, fields, separator, location)
                if separator == "|" and len(fields) == len(columns) - 1 and (number := _number_of_caption(fields[-1])):
                    fields = [*fields[:-1], *number]
                    notes.append(f"{location}: a separator is missing after {number[0]} and was added")
                rows.append(_row(location, columns, fields, SEPARATORS[separator], source.path))
            first_line = lines.line_num + 1
    except csv.Error as error:
        raise _csv_error(source.path, error, f"row {len(rows) + 1} (line {first_line})", lines.line_num) from error
    notes += [f"{counted(empty, 'empty row')} left out"] if empty else []
    return Table(source.path, columns, rows, notes)


def _number_of_caption(field: str) -> Sequence[str]:
    """The caption's number and the caption in a field that lacks the separator between them; otherwise empty."""
    found = _NUMBER_WITHOUT_SEPARATOR.fullmatch(field)
    return found.groups() if found else ()


def _row(location: str, columns: list[str], fields: list[str], separator: str, path: Path) -> Row:
    if any(fields[len(columns) :]):
        raise ClcapError(
            f"{path}: {location} has more fields than the header; put captions that contain a {separator} in quotes"
        )
    return Row(location, {name: text_of_cell(field.strip()) for name, field in zip(columns, fields, strict=False)})


def _csv_error(path: Path, error: csv.Error, location: str, line: int) -> ClcapError:
    if "unexpected end" in str(error):
        return swallowed_error(path, location, "is never closed")
    if not location.endswith(f"(line {line})"):
        return swallowed_error(path, location, f"ends in line {line}")
    return ClcapError(
        f"{path} is not valid CSV at line {line}: {error}; double quotation marks that are part of a caption, and put "
        "the whole caption in quotes"
    )


def _reader(lines: Iterable[str], separator: str, quoted: bool = True, strict: bool = True) -> Any:
    csv.field_size_limit(MAX_CELL_LENGTH)
    if quoted:
        return csv.reader(lines, delimiter=separator, strict=strict)
    return csv.reader(lines, delimiter=separator, strict=strict, quoting=csv.QUOTE_NONE)


READER = Reader("CSV", _recognises, _read)
