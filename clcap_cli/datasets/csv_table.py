"""Tables in CSV files with a header."""

import csv
import io
from pathlib import Path

from clcap_cli.datasets.parsing import read_text
from clcap_cli.datasets.records import CaptionRecord
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table, has_caption_columns, table_records
from clcap_cli.errors import ClcapError

MAX_CELL_LENGTH = 2**31 - 1
"""Maximum number of characters in a cell; unused columns may contain whole images."""


def _recognises(source: Source) -> bool:
    csv.field_size_limit(MAX_CELL_LENGTH)
    return has_caption_columns(next(csv.reader(io.StringIO(source.text, newline="")), []))


def _read(source: Source, require_images: bool) -> list[CaptionRecord]:
    return table_records(_table(source.path), require_images)


def _table(path: Path) -> Table:
    csv.field_size_limit(MAX_CELL_LENGTH)
    lines = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        columns = next(lines, [])
        rows: list[Row] = []
        first_line = lines.line_num + 1
        for fields in lines:
            if fields:
                rows.append(_row(f"row {len(rows) + 1} (line {first_line})", columns, fields, path))
            first_line = lines.line_num + 1
    except csv.Error as error:
        raise ClcapError(f"{path} is not valid CSV at line {lines.line_num}: {error}") from error
    return Table(path, columns, rows)


def _row(location: str, columns: list[str], fields: list[str], path: Path) -> Row:
    if any(fields[len(columns) :]):
        raise ClcapError(
            f"{path}: {location} has more fields than the header; put captions that contain a comma in quotes"
        )
    return Row(location, dict(zip(columns, fields, strict=False)))


READER = Reader("CSV (with a header such as image_id,caption or image,caption,split)", _recognises, _read)
