"""Tables in JSON Lines files: each line is an object whose keys are the columns."""

from clcap_cli.datasets.columns import has_caption_columns
from clcap_cli.datasets.parsing import json_lines
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table
from clcap_cli.errors import ClcapError


def _recognises(source: Source) -> bool:
    """Whether there are several lines, or one line with the columns of a table."""
    document = source.document
    if document is None:
        return False
    return document.is_json_lines or (isinstance(document.value, dict) and has_caption_columns(document.value))


def _read(source: Source) -> Table:
    rows = []
    for number, cells in json_lines(source.text, source.path):
        if not isinstance(cells, dict):
            raise ClcapError(f"{source.path}: line {number} is not an object; each line of JSON Lines must be one")
        rows.append(Row(f"line {number}", cells))
    return Table.of(source.path, rows)


READER = Reader("JSON Lines", _recognises, _read)
