"""Tables as Markdown."""

import re
from collections.abc import Sequence

from clcap_cli.console import escaped
from clcap_cli.reporting.tables.table import Table, format_cell


def as_markdown(tables: Sequence[Table]) -> str:
    """Tables below their titles; the best value of each column is bold."""
    return "\n".join(map(_markdown, tables))


def _markdown(table: Table) -> str:
    lines = [[table.row_header, *(metric.name for metric in table.metrics)]]
    lines += [[name, *(format_cell(cell, "**{}**", "{} {}") for cell in cells)] for name, cells in table.rows]
    head, *rows = ["| " + " | ".join(map(markdown_text, line)) + " |" for line in lines]
    return (
        "\n".join([f"{markdown_text(table.title)}\n", head, "|---" + "|---:" * len(table.metrics) + "|", *rows]) + "\n"
    )


def markdown_text(text: str) -> str:
    """The text on one line, without effect as Markdown."""
    return re.sub(r"([|<`\\]|\](?=\())", r"\\\1", escaped(" ".join(text.split())))
