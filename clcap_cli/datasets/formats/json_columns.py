"""JSON objects with a list or an object of cells for each column, as pandas' ``to_json`` writes tables."""

from typing import Any

from clcap_cli.datasets.columns import has_caption_columns
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table
from clcap_cli.errors import ClcapError


def _recognises(source: Source) -> bool:
    """Whether the file has a list or an object of cells for every column, among them those of a table of captions."""
    content = source.value
    if not isinstance(content, dict) or not content or "provenance" in content:
        return False
    kinds = {type(cells) for cells in content.values()}
    return len(kinds) == 1 and kinds <= {list, dict} and has_caption_columns(content)


def _read(source: Source) -> Table:
    """A row for each place in the columns; raises ClcapError unless all columns have the same places."""
    columns = {name: _by_place(cells) for name, cells in source.value.items()}
    first_name, first = next(iter(columns.items()))
    for name, cells in columns.items():
        if cells.keys() != first.keys():
            raise ClcapError(
                f"{source.path}: columns '{first_name}' and '{name}' have cells of different rows, {len(first):,} and "
                f"{len(cells):,} cells; each row needs a cell in every column"
            )
    rows = [Row(f"row {place}", {name: cells[place] for name, cells in columns.items()}) for place in first]
    return Table(source.path, list(columns), rows)


def _by_place(cells: Any) -> dict[Any, object]:
    return cells if isinstance(cells, dict) else dict(enumerate(cells))


READER = Reader("JSON columns", _recognises, _read)
