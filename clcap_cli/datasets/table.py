"""Tables: rows with named cells, the form that readers give to every caption file."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from clcap_cli.datasets.embedded_images import ImageBytes
from clcap_cli.datasets.limits import check_columns
from clcap_cli.errors import ClcapError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table."""

    location: str
    """Location in the file for messages, such as "row 1"."""
    cells: Mapping[str, object]
    """Cells by column; a row without a cell for captions lists an image only if ``image_only`` is set."""
    image_only: bool = False
    """Whether the row lists an image without captions."""


@dataclass(frozen=True)
class Table:
    """An opened table with unparsed cells."""

    path: Path
    columns: list[str]
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    """What the reader left out or assumed, as phrases."""
    images: ImageBytes | None = None
    """The bytes of each row's image if the table holds them."""

    def __post_init__(self) -> None:
        """Raise ClcapError if there are too many columns."""
        check_columns(self.path, len(self.columns))

    @classmethod
    def of(cls, path: Path, rows: list[Row], notes: list[str] | None = None) -> "Table":
        """A table whose columns are those of its rows."""
        return cls(path, list(dict.fromkeys(name for row in rows for name in row.cells)), rows, notes or [])

    def parsed(self, column: str, parse: Callable[[object], T]) -> Iterator[T]:
        """Yield the parsed cell of every row.

        Raises ClcapError with the row and the column if ``parse`` raises ValueError.
        """
        for row in self.rows:
            yield self.parse_cell(row, column, parse)

    def parse_cell(self, row: Row, column: str, parse: Callable[[object], T]) -> T:
        """The parsed cell of a row; raises ClcapError with the row and the column if ``parse`` raises ValueError."""
        try:
            return parse(row.cells.get(column))
        except ValueError as error:
            raise self.cell_error(row, column, str(error)) from error

    def cell_error(self, row: Row, column: str, reason: str) -> ClcapError:
        """An error about the cell of a row."""
        return ClcapError(f"{self.path}: {row.location}, column '{column}': {reason}")
