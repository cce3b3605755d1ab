"""Captions in tables: CSV, JSON Lines or Parquet with the columns image, caption, split and, optionally, id."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from clcap_cli.datasets.cells import captions_in, text_in
from clcap_cli.datasets.ids import id_in, ids_of_column, in_two_kinds
from clcap_cli.datasets.reading import read_json_lines, read_text
from clcap_cli.datasets.records import ImageId, ImageRecord
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import check_readable

T = TypeVar("T")
SUFFIXES = (".csv", ".jsonl", ".parquet")
IDS = ("image_id", "id", "image")
"""The column that says which image: the first of these that a table has."""
CAPTIONS = ("caption", "captions")
SPLIT = "split"


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    place: str
    """Where it stands in the file, the first row being 1."""
    cells: Mapping[str, object]


@dataclass(frozen=True)
class Table:
    """An opened table; each of its cells is what the file has there."""

    path: Path
    columns: list[str]
    rows: list[Row]

    def needs(self, *names: str) -> str:
        """The first of these columns that there is.

        Raises ClcapError when there is none.
        """
        for name in names:
            if name in self.columns:
                return name
        wanted = " or ".join(", ".join(names).rsplit(", ", 1))
        raise ClcapError(f"{self.path} has no column {wanted}; it has: {', '.join(self.columns)}")

    def read(self, column: str, as_what: Callable[[object], T]) -> Iterator[T]:
        """What ``as_what`` makes of the column's cell in every row.

        Raises ClcapError that names the row and the column where it raises ValueError.
        """
        for row in self.rows:
            try:
                yield as_what(row.cells.get(column))
            except ValueError as error:
                raise ClcapError(f"{self.path}: {row.place}, column '{column}': {error}") from error

    def ids(self, column: str) -> list[ImageId]:
        """The image of every row.

        Raises ClcapError for a cell that is no id, and for an id that is a number here and text there.
        """
        given = list(self.read(column, id_in))
        twice = in_two_kinds(given)
        if twice is not None:
            number, text = (self.rows[given.index(id)].place for id in (twice, str(twice)))
            raise ClcapError(
                f'{self.path}: {number} has the number {twice} as its {column}, {text} the text "{twice}"; '
                "write all ids as numbers or all as text"
            )
        return ids_of_column(given)


def table_records(path: Path) -> list[ImageRecord]:
    """The images of a table whose rows have one or more captions each; without an id column the file name is the id.

    Raises ClcapError for a missing column, an empty cell, or an image that stands in two splits.
    """
    table = read_table(path)
    names, captions = table.read(table.needs("image"), text_in), table.read(table.needs(*CAPTIONS), _filled)
    splits, ids = table.read(table.needs(SPLIT), text_in), table.ids(table.needs("id", "image"))
    records: dict[ImageId, ImageRecord] = {}
    for id, name, split, texts in zip(ids, names, splits, captions, strict=True):
        record = records.setdefault(id, ImageRecord(id, name, split, []))
        for what, known, other in (("image", record.file_name, name), ("split", record.split, split)):
            if known != other:
                raise ClcapError(f"{path}: image {id} has more than one {what}: {known} and {other}")
        record.captions.extend(texts)
    return list(records.values())


def _filled(cell: object) -> list[str]:
    captions = captions_in(cell)
    if not all(map(str.strip, captions)):
        raise ValueError("it is empty" if len(captions) == 1 else "one of its captions is empty")
    return captions


def read_table(path: Path) -> Table:
    """The rows of a CSV, JSON Lines or Parquet file.

    Raises ClcapError when it is missing or cannot be read.
    """
    check_readable(path)
    read = {".csv": _read_csv, ".jsonl": _read_json_lines, ".parquet": _read_parquet}[path.suffix.lower()]
    table = read(path)
    twice = [name for name, count in Counter(table.columns).items() if count > 1 and name]
    if twice:
        raise ClcapError(f"{path} has two columns '{twice[0]}'")
    return table


def _read_csv(path: Path) -> Table:
    csv.field_size_limit(2**31 - 1)  # a column that nobody asks for may hold pictures
    lines = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        columns = next(lines, [])
        rows: list[Row] = []
        start = lines.line_num + 1
        for fields in lines:
            if fields:
                rows.append(_row(f"row {len(rows) + 1} (line {start})", columns, fields, path))
            start = lines.line_num + 1
    except csv.Error as error:
        raise ClcapError(f"{path} is not valid CSV at line {lines.line_num}: {error}") from error
    return Table(path, columns, rows)


def _row(place: str, columns: list[str], fields: list[str], path: Path) -> Row:
    if any(fields[len(columns) :]):
        raise ClcapError(
            f"{path}: {place} has more fields than the header; a caption with a comma needs quotes around it"
        )
    return Row(place, dict(zip(columns, fields, strict=False)))


def _read_json_lines(path: Path) -> Table:
    rows = []
    for number, cells in read_json_lines(path):
        if not isinstance(cells, dict):
            raise ClcapError(f"{path}: row {number} is no object; each line of JSON Lines is one")
        rows.append(Row(f"row {number}", cells))
    return Table(path, list(dict.fromkeys(name for row in rows for name in row.cells)), rows)


def _read_parquet(path: Path) -> Table:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            columns = file.schema_arrow.names
            wanted = [name for name in (*IDS, *CAPTIONS, SPLIT) if name in columns]
            cells = file.read(columns=wanted).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ClcapError(f"{path} cannot be read as a Parquet file: {reason}") from error
    return Table(path, columns, [Row(f"row {number}", row) for number, row in enumerate(cells, start=1)])
