"""Cells of CSV files that a spreadsheet would take for formulas.

A spreadsheet runs a cell such as ``=HYPERLINK(…)`` when it opens the file. An apostrophe before the cell makes it text.
Reading removes the apostrophe again, so that every text survives being written and read.
"""

import re

_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""Start of a formula, after the apostrophes that may already be part of the text."""
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)


def as_cell(text: str) -> str:
    """``text``, with an apostrophe before it if a spreadsheet would take it for a formula; numbers are none."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def text_of_cell(cell: str) -> str:
    """The text that ``as_cell`` made ``cell`` from."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell
