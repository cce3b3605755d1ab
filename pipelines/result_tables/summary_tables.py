"""The tables of docs/experiments.md that summary_tables.json declares."""

from collections.abc import Mapping

from pydantic import BaseModel, Field

from clcap_cli.datasets.parsing import read_json, validated
from clcap_cli.errors import ClcapError
from result_tables.column import Column
from result_tables.markdown import markdown_table
from result_tables.results import PIPELINES, Data

FILE = PIPELINES / "summary_tables.json"


class SummaryTable(BaseModel, frozen=True, extra="forbid"):
    """The declaration of a table."""

    name: str
    """Name in the mark on the page."""
    data: str
    """Data set of the columns that name no other."""
    row_heading: str
    columns: list[Column] = Field(min_length=1)
    rows: dict[str, str | dict[str, str]] = Field(min_length=1)
    """By label, what replaces ``{row}`` in the columns' names of runs; or published values by metric."""

    def text(self, data: Mapping[str, Data]) -> str:
        """The table as Markdown. Raises ClcapError if a row or a column is empty."""
        columns = [self._cells(column, data) for column in self.columns]
        rows = [[label, *cells] for label, cells in zip(self.rows, zip(*columns, strict=True), strict=True)]
        headings = [column.title for column in self.columns]
        empty = [label for label, *cells in rows if not any(cells)]
        empty += [heading for heading, cells in zip(headings, columns, strict=True) if not any(cells)]
        if empty:
            raise self._error(f"'{empty[0]}' has no values; check the names of its runs and metrics")
        return markdown_table([self.row_heading, *headings], rows)

    def _cells(self, column: Column, data: Mapping[str, Data]) -> list[str]:
        name = column.data or self.data
        if name not in data:
            raise self._error(f"there is no docs/results/{name}.json; choose from {', '.join(data)}")
        return [
            row.get(column.metric, "") if isinstance(row, dict) else column.cell(data[name], row)
            for row in self.rows.values()
        ]

    def _error(self, reason: str) -> ClcapError:
        return ClcapError(f"{FILE}: table {self.name}: {reason}")


def summary_tables(data: Mapping[str, Data]) -> dict[str, str]:
    """All tables by name."""
    tables = validated(read_json(FILE), list[SummaryTable], FILE, "a list of tables")
    return {table.name: table.text(data) for table in tables}
