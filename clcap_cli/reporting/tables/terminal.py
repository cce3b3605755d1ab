"""Tables for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from clcap_cli.console import as_rich_text
from clcap_cli.reporting.tables.legend import legend
from clcap_cli.reporting.tables.table import Cell, Table

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text as RichText


def as_text(tables: Sequence[Table]) -> "Group":
    """Tables with the same rows as one transposed table for the terminal, because there are many metrics."""
    from rich.console import Group

    explained = " ".join(legend(tables))
    return Group(_transposed(tables), *([as_rich_text(explained, "dim")] if explained else []))


def _transposed(tables: Sequence[Table]) -> "RichTable":
    from rich.table import Table as RichTable

    transposed = RichTable("")
    for name, _ in tables[0].rows:
        transposed.add_column(as_rich_text(name), justify="right")
    for table in tables:
        for number, metric in enumerate(table.metrics):
            last = number == len(table.metrics) - 1
            values = [_text(cells[number]) for _, cells in table.rows]
            transposed.add_row(as_rich_text(f"{metric.name} {metric.arrow}".rstrip()), *values, end_section=last)
    return transposed


def _text(cell: Cell) -> "RichText":
    from rich.text import Text

    text = Text(f"{cell.text}{cell.mark}", style="bold" if cell.best else "")
    return text.append(f" {cell.spread}", style="dim not bold") if cell.spread else text
