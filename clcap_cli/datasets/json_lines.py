"""Tables in JSON Lines files: each line is an object whose keys are the columns."""

from pathlib import Path

from clcap_cli.datasets.parsing import read_json_lines
from clcap_cli.datasets.records import CaptionRecord
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table, has_caption_columns, table_records
from clcap_cli.errors import ClcapError


def _recognises(source: Source) -> bool:
    """Whether there are several lines, or one line with the columns of a table."""
    document = source.document
    if document is None:
        return False
    return document.is_json_lines or (isinstance(document.value, dict) and has_caption_columns(document.value))


def _read(source: Source, require_images: bool) -> list[CaptionRecord]:
    return table_records(_table(source.path), require_images)


def _table(path: Path) -> Table:
    rows = []
    for number, cells in read_json_lines(path):
        if not isinstance(cells, dict):
            raise ClcapError(f"{path}: row {number} is not an object; each line of JSON Lines must be one")
        rows.append(Row(f"row {number}", cells))
    return Table(path, list(dict.fromkeys(name for row in rows for name in row.cells)), rows)


READER = Reader("JSON Lines (objects with the keys of such a header)", _recognises, _read)
