"""Captions in tables, whatever file they are in: columns for the image, its captions and, in a dataset, its split."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from clcap_cli.datasets.cells import parse_captions, parse_text
from clcap_cli.datasets.ids import mixed_type_id, parse_id, parse_id_column
from clcap_cli.datasets.records import CaptionRecord, ImageId
from clcap_cli.errors import ClcapError

T = TypeVar("T")
FILE_NAME = "image"
IDS = ("image_id", "id", FILE_NAME)
"""The column that says which image: the first of these that a table has."""
CAPTIONS = ("caption", "captions")
SPLIT = "split"
COLUMNS = (*IDS, *CAPTIONS, SPLIT)
"""All columns that are read."""


def has_columns(names: Iterable[str]) -> bool:
    """Whether a table with these columns is one of captions; it may lack one that is needed."""
    return any(name in COLUMNS for name in names)


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    place: str
    """Where it stands in the file, the first row being 1."""
    cells: Mapping[str, object]


@dataclass(frozen=True)
class Table:
    """An opened table; each of its cells is what the file has there.

    Raises ClcapError for two columns of one name.
    """

    path: Path
    columns: list[str]
    rows: list[Row]

    def __post_init__(self) -> None:
        twice = [name for name, count in Counter(self.columns).items() if count > 1 and name]
        if twice:
            raise ClcapError(f"{self.path} has two columns '{twice[0]}'")

    def require_column(self, *names: str) -> str:
        """The first of these columns that there is.

        Raises ClcapError when there is none.
        """
        for name in names:
            if name in self.columns:
                return name
        wanted = " or ".join(", ".join(names).rsplit(", ", 1))
        raise ClcapError(f"{self.path} has no column {wanted}; it has: {', '.join(self.columns)}")

    def parse_column(self, column: str, as_what: Callable[[object], T]) -> Iterator[T]:
        """What ``as_what`` makes of the column's cell in every row.

        Raises ClcapError that names the row and the column where it raises ValueError.
        """
        for row in self.rows:
            try:
                yield as_what(row.cells.get(column))
            except ValueError as error:
                raise ClcapError(f"{self.path}: {row.place}, column '{column}': {error}") from error

    def ids(self) -> list[ImageId]:
        """The image of every row.

        Raises ClcapError for a cell that is no id, and for an id that is a number here and text there.
        """
        column = self.require_column(*IDS)
        given = list(self.parse_column(column, parse_id))
        twice = mixed_type_id(given)
        if twice is not None:
            number, text = (self.rows[given.index(id)].place for id in (twice, str(twice)))
            raise ClcapError(
                f'{self.path}: {number} has the number {twice} as its {column}, {text} the text "{twice}"; '
                "write all ids as numbers or all as text"
            )
        return parse_id_column(given)


def table_records(table: Table, as_dataset: bool) -> list[CaptionRecord]:
    """The records of a table whose rows have one or more captions each: one an image in a dataset, else one a row.

    Raises ClcapError for a missing column, an empty cell, or an image that stands in two splits.
    """
    return _images(table) if as_dataset else _rows(table)


def _rows(table: Table) -> list[CaptionRecord]:
    ids, captions = table.ids(), table.parse_column(table.require_column(*CAPTIONS), parse_captions)
    return [CaptionRecord(id, texts) for id, texts in zip(ids, captions, strict=True)]


def _images(table: Table) -> list[CaptionRecord]:
    names, captions = (
        table.parse_column(table.require_column(FILE_NAME), parse_text),
        table.parse_column(table.require_column(*CAPTIONS), _parse_nonempty_captions),
    )
    splits = table.parse_column(SPLIT, parse_text) if SPLIT in table.columns else [None] * len(table.rows)
    records: dict[ImageId, CaptionRecord] = {}
    for id, name, split, texts in zip(table.ids(), names, splits, captions, strict=True):
        record = records.setdefault(id, CaptionRecord(id, [], name, split))
        for what, known, other in (("image", record.file_name, name), ("split", record.split, split)):
            if known != other:
                raise ClcapError(f"{table.path}: image {id} has more than one {what}: {known} and {other}")
        record.captions.extend(texts)
    return list(records.values())


def _parse_nonempty_captions(cell: object) -> list[str]:
    captions = parse_captions(cell)
    if not all(map(str.strip, captions)):
        raise ValueError("it is empty" if len(captions) == 1 else "one of its captions is empty")
    return captions
