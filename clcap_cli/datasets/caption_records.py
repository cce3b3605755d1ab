"""Conversion of the rows of any table to records of images and captions, with the same rules for every format."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from clcap_cli.datasets.cells import is_empty, parse_captions, parse_file_name, parse_split
from clcap_cli.datasets.columns import Columns, find_columns, normal_name
from clcap_cli.datasets.file_names import is_image_name, normal_path
from clcap_cli.datasets.ids import WrongIdError, canonical_id, parse_ids
from clcap_cli.datasets.records import CaptionRecord, ImageId
from clcap_cli.datasets.table import Row, Table
from clcap_cli.errors import ClcapError

_NAMES_OF_ROW_NUMBERS = ("id", "key")
"""Names of columns that number either the images or the captions."""
_NUMBER = re.compile(r"\s*[-+]?[0-9]+(\.[0-9]*)?\s*")
_ENCODER = json.JSONEncoder(default=repr, sort_keys=True)
"""Turns rows into text by which equal rows are recognised."""


@dataclass(frozen=True)
class ParsedTable:
    """The records of a table, made with the columns that it has."""

    table: Table
    chosen: Mapping[str, str]
    """Columns that the user named, by role."""

    @cached_property
    def columns(self) -> Columns:
        """The columns that are read; raises ClcapError if a required one is missing."""
        columns = find_columns(self.table.path, self.table.columns, self.chosen)
        return replace(columns, id=None) if self._numbers_captions(columns) else columns

    @property
    def unused_columns(self) -> list[str]:
        """Names of the columns that are not read."""
        return [name for name in self.table.columns if name not in self.columns.used and name.strip()]

    @property
    def notes(self) -> list[str]:
        """What was left out or assumed, as phrases."""
        ids_of_captions = [name for name in self.unused_columns if normal_name(name) in _NAMES_OF_ROW_NUMBERS]
        if self.columns.id is None and ids_of_captions:
            assumed = f"column '{ids_of_captions[0]}' numbers the captions, so an image's id is its file name"
            return [*self.table.notes, assumed]
        return self.table.notes

    def records(self) -> list[CaptionRecord]:
        """One record per row.

        Raises ClcapError with the row and the column for a cell that is empty or of the wrong type.
        """
        table, columns = self.table, self.columns
        named = self._file_names()
        ids = self._ids(columns.id) if columns.id else list(map(canonical_id, named or []))
        names = named or _names_of(ids)
        splits = table.parsed(columns.split, parse_split) if columns.split else _none(table.rows)
        captions = list(map(self._captions, table.rows))
        self._check_no_numbers(captions)
        repeats = _repeats(table.rows)
        rows = zip(table.rows, ids, names, splits, captions, repeats, strict=True)
        return [CaptionRecord(id, own, name, split, row.location, repeat) for row, id, name, split, own, repeat in rows]

    def _file_names(self) -> list[str] | None:
        """The file name of every row's image; None if no column holds file names."""
        columns, table = self.columns, self.table
        if columns.image is None:
            return None
        names = table.parsed(columns.image, parse_file_name)
        if columns.folder is None:
            return list(names)
        return list(map(_path, (row.cells.get(columns.folder) for row in table.rows), names))

    def _ids(self, column: str) -> Sequence[ImageId]:
        """The image id of every row, from the column of ids."""
        table = self.table
        try:
            return parse_ids([row.cells.get(column) for row in table.rows])
        except WrongIdError as error:
            raise table.cell_error(table.rows[error.index], column, str(error)) from error

    def _captions(self, row: Row) -> list[str]:
        columns = self.columns.captions
        if row.image_only:
            return []
        if len(columns) == 1:
            return self.table.parse_cell(row, columns[0], parse_captions)
        filled = [column for column in columns if not is_empty(row.cells.get(column))]
        return [text for column in filled or columns[:1] for text in self.table.parse_cell(row, column, parse_captions)]

    def _check_no_numbers(self, captions: Sequence[list[str]]) -> None:
        """Raise ClcapError if all captions are numbers: the type of a cell is lost in CSV, unlike in other formats."""
        texts = [text for group in captions for text in group]
        if texts and all(map(_NUMBER.fullmatch, texts)):
            column = "', '".join(self.columns.captions)
            raise ClcapError(
                f"{self.table.path}: column '{column}' contains only numbers, such as {texts[0]}, which are not "
                "captions; name the column of captions with --columns caption=NAME"
            )

    def _numbers_captions(self, columns: Columns) -> bool:
        """Whether the id column is one of captions: every row has its own, but rows share images."""
        if "id" in self.chosen or not columns.image or normal_name(columns.id or "") not in _NAMES_OF_ROW_NUMBERS:
            return False
        ids, images = (
            {str(row.cells.get(name)).strip() for row in self.table.rows} for name in (columns.id or "", columns.image)
        )
        return len(ids) == len(self.table.rows) > len(images) and not ids & {"", "None"}


def check_one_file_and_split(records: Sequence[CaptionRecord], path: object) -> None:
    """Raise ClcapError if an image has two file names or two splits."""
    first: dict[ImageId, CaptionRecord] = {}
    for record in records:
        known = first.setdefault(record.id, record)
        for name in ("file_name", "split"):
            one, other = getattr(known, name), getattr(record, name)
            if one == other or (one and other and normal_path(one) == normal_path(other)):
                continue
            where = f"{known.location} and {record.location}"
            if name == "split":
                raise ClcapError(f"{path}: image {record.id} is in two splits, {one} and {other} ({where})")
            raise ClcapError(
                f"{path}: the images {one} and {other} have the same id, {record.id} ({where}); give each image its "
                "own id"
            )


def _repeats(rows: Sequence[Row]) -> Iterator[bool]:
    """Whether each row has exactly the cells of an earlier one."""
    seen: set[str] = set()
    for row in rows:
        content = _ENCODER.encode(row.cells)
        yield content in seen
        seen.add(content)


def _path(folder: object, name: str) -> str:
    """The path of an image; ``folder`` is often the whole path already, or missing."""
    is_folder = isinstance(folder, str) and folder.strip() and not is_image_name(folder.strip())
    return f"{folder}/{name}" if is_folder else name


def _names_of(ids: Sequence[ImageId]) -> Sequence[str | None]:
    """The ids if all are names of image files, as those of AIC-ICC are."""
    names = list(map(str, ids))
    return names if all(map(is_image_name, names)) else [None] * len(names)


def _none(rows: Sequence[Row]) -> Iterator[None]:
    return (None for _ in rows)
