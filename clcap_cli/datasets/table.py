"""Captions in tables of any file format, with columns for the image, its captions and, in a dataset, its split."""

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
"""Columns that identify the image; the first one that a table has is used."""
CAPTIONS = ("caption", "captions")
SPLIT = "split"
COLUMNS = (*IDS, *CAPTIONS, SPLIT)
"""All columns that clcap reads."""


def has_caption_columns(names: Iterable[str]) -> bool:
    """Whether a table with these columns contains captions; required columns may be missing."""
    return any(name in COLUMNS for name in names)


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    location: str
    """Location in the file for messages, such as "row 1"."""
    cells: Mapping[str, object]


@dataclass(frozen=True)
class Table:
    """An opened table with unparsed cells.

    Raises ClcapError for two columns with the same name.
    """

    path: Path
    columns: list[str]
    rows: list[Row]

    def __post_init__(self) -> None:
        duplicates = [name for name, count in Counter(self.columns).items() if count > 1 and name]
        if duplicates:
            raise ClcapError(f"{self.path} has two columns '{duplicates[0]}'")

    def require_column(self, *names: str) -> str:
        """The first of ``names`` that is a column of the table.

        Raises ClcapError if none is.
        """
        for name in names:
            if name in self.columns:
                return name
        expected = " or ".join(", ".join(names).rsplit(", ", 1))
        raise ClcapError(f"{self.path} has no column {expected}; it has: {', '.join(self.columns)}")

    def parse_column(self, column: str, parse: Callable[[object], T]) -> Iterator[T]:
        """Yield the parsed cell of every row.

        Raises ClcapError with the row and the column if ``parse`` raises ValueError.
        """
        for row in self.rows:
            try:
                yield parse(row.cells.get(column))
            except ValueError as error:
                raise ClcapError(f"{self.path}: {row.location}, column '{column}': {error}") from error

    def ids(self) -> list[ImageId]:
        """The image id of every row.

        Raises ClcapError for a cell that is not an id, and for an id that occurs both as a number and as text.
        """
        column = self.require_column(*IDS)
        cells = list(self.parse_column(column, parse_id))
        mixed = mixed_type_id(cells)
        if mixed is not None:
            number, text = (self.rows[cells.index(id)].location for id in (mixed, str(mixed)))
            raise ClcapError(
                f'{self.path}: {number} has the number {mixed} as its {column}, {text} the text "{mixed}"; '
                "write all ids as numbers or all as text"
            )
        return parse_id_column(cells)


def table_records(table: Table, require_images: bool) -> list[CaptionRecord]:
    """The records of a table: one per image with ``require_images``, otherwise one per row.

    Raises ClcapError for a missing column, an empty cell, or an image with different file names or splits.
    """
    return _image_records(table) if require_images else _row_records(table)


def _row_records(table: Table) -> list[CaptionRecord]:
    ids, captions = table.ids(), table.parse_column(table.require_column(*CAPTIONS), parse_captions)
    return [CaptionRecord(id, texts) for id, texts in zip(ids, captions, strict=True)]


def _image_records(table: Table) -> list[CaptionRecord]:
    names, captions = (
        table.parse_column(table.require_column(FILE_NAME), parse_text),
        table.parse_column(table.require_column(*CAPTIONS), _parse_nonempty_captions),
    )
    splits = table.parse_column(SPLIT, parse_text) if SPLIT in table.columns else [None] * len(table.rows)
    records: dict[ImageId, CaptionRecord] = {}
    for id, name, split, texts in zip(table.ids(), names, splits, captions, strict=True):
        record = records.setdefault(id, CaptionRecord(id, [], name, split))
        for column, first, other in (("image", record.file_name, name), ("split", record.split, split)):
            if first != other:
                raise ClcapError(f"{table.path}: image {id} has more than one {column}: {first} and {other}")
        record.captions.extend(texts)
    return list(records.values())


def _parse_nonempty_captions(cell: object) -> list[str]:
    captions = parse_captions(cell)
    if not all(map(str.strip, captions)):
        raise ValueError("it is empty" if len(captions) == 1 else "one of its captions is empty")
    return captions
