"""Tables as Markdown that GitHub shows."""

import re
from collections.abc import Iterable, Sequence

from clcap_cli.console import escaped
from clcap_cli.reporting.tables.legend import legend
from clcap_cli.reporting.tables.table import Cell, Table


def as_markdown(tables: Sequence[Table]) -> str:
    """Tables between their headings and what their marks mean."""
    return "\n".join(map(_markdown, tables))


def _markdown(table: Table) -> str:
    head = [table.row_header.capitalize(), *(metric.heading for metric in table.metrics)]
    rows = [[markdown_text(name), *map(_cell, cells)] for name, cells in table.rows]
    lines = [_row(map(markdown_text, head)), "|:---" + "|---:" * len(table.metrics) + "|", *map(_row, rows)]
    explained = markdown_text(" ".join(legend([table])))
    return (
        "\n".join([f"**{markdown_text(table.heading)}**", "", *lines, *(["", explained] if explained else [])]) + "\n"
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.best else cell.text
    return f"{text}{markdown_text(cell.mark)} {markdown_text(cell.spread)}".rstrip()


def markdown_text(text: str) -> str:
    """``text`` shown as it is: nothing in it is taken for formatting, a link or HTML."""
    return re.sub(r"([|<`\\*~$]|\](?=\()|(?<![^\W_])_(?=\S))", r"\\\1", escaped(" ".join(text.split())))
