"""A sheet as a LaTeX table with booktabs rules, caption and label."""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from clcap_cli.reporting.tables.latex_text import latex_paragraph, latex_text
from clcap_cli.reporting.tables.layout import SEPARATION, Layout
from clcap_cli.reporting.tables.sheet import Entry, Sheet, SheetColumn

FIT = r"\resizebox{\ifdim\width>\linewidth \linewidth\else\width\fi}{!}{% scaled down if it is too wide"
P_VALUE = latex_text("p < .05")
SIGNS = {"*": r"$^{*}$", "†": r"$^{\dagger}$"}


def latex_table(layout: Layout, label: str) -> str:
    """The environment of the layout with caption, label and tabular."""
    sheet, size = layout.sheet, layout.size
    right = "" if any(entry.mark for entry in sheet.columns[-1].entries) else "@{}"
    lines = [
        rf"\begin{{{layout.environment}}}[t]",
        r"\centering",
        r"\setlength{\belowcaptionskip}{6pt}",
        rf"\caption{{{_caption(sheet)}}}",
        rf"\label{{{label}}}",
        rf"\{size}",
        rf"\setlength{{\tabcolsep}}{{{SEPARATION[size]:g}pt}}",
        FIT,
        rf"\begin{{tabular}}{{@{{}}l{'c' * len(sheet.columns)}{right}}}",
        r"\toprule",
        *_head(layout),
        r"\midrule",
        *_body(layout),
        r"\bottomrule",
        r"\end{tabular}}",
        rf"\end{{{layout.environment}}}",
    ]
    return "\n".join(lines) + "\n"


def _caption(sheet: Sheet) -> str:
    """The caption, in which no line ends after a sign."""
    text = " ".join(map(latex_paragraph, sheet.caption)).replace(P_VALUE, "$p<.05$")
    return text.replace("{*} ", "{*}~").replace(r"$\dagger$ ", r"$\dagger$~")


def slug(title: str) -> str:
    """The title as part of a label: letters and digits joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "table"


def _head(layout: Layout) -> Iterator[str]:
    if layout.groups:
        yield from _group_heads(layout)
    rows = _bottom_aligned(layout.heads)
    for number, row in enumerate(rows):
        yield _row([layout.sheet.corner if number == len(rows) - 1 else "", *row])


def _group_heads(layout: Layout) -> Iterator[str]:
    spans = [len(columns) for _, columns in layout.sheet.groups]
    for row in _bottom_aligned(layout.groups):
        cells = [rf"\multicolumn{{{span}}}{{c}}{{{latex_text(text)}}}" for span, text in zip(spans, row, strict=True)]
        yield " & ".join(["", *cells]) + r" \\"
    starts = [2 + sum(spans[:number]) for number in range(len(spans))]
    titled = [
        (start, span) for start, span, (title, _) in zip(starts, spans, layout.sheet.groups, strict=True) if title
    ]
    yield " ".join(rf"\cmidrule(lr){{{start}-{start + span - 1}}}" for start, span in titled)


def _bottom_aligned(columns: Sequence[list[str]]) -> list[list[str]]:
    """The lines of columns as rows; shorter columns start with empty lines."""
    height = max(map(len, columns))
    return [list(row) for row in zip(*([""] * (height - len(lines)) + lines for lines in columns), strict=True)]


def _row(texts: Sequence[str]) -> str:
    return " & ".join(map(latex_text, texts)) + r" \\"


def _body(layout: Layout) -> Iterator[str]:
    sheet = layout.sheet
    printed = [_printed(column, sheet.spreads_below) for column in sheet.columns]
    for number, name in enumerate(layout.names):
        lines = [_name_lines(name), *(entries[number] for entries in printed)]
        if number in sheet.ruled:
            yield r"\midrule"
        elif number and max(map(len, lines)) > 1:
            yield r"\addlinespace[2pt]"
        for line in zip_longest(*lines, fillvalue=""):
            yield " & ".join(line) + r" \\"


def _name_lines(lines: Sequence[str]) -> list[str]:
    first, *rest = lines
    return [latex_text(first), *(rf"\quad {latex_text(line)}" for line in rest)]


def _printed(column: SheetColumn, below: bool) -> list[list[str]]:
    """The lines of each entry, padded so that decimal points are aligned."""
    digits = max(_digits(entry.text) for entry in column.entries)
    spread_digits = max(_digits(entry.spread) for entry in column.entries)
    return [_entry_lines(entry, digits, spread_digits, below) for entry in column.entries]


def _entry_lines(entry: Entry, digits: int, spread_digits: int, below: bool) -> list[str]:
    text = _number(entry.text) or "--"
    text = _padding(entry.text, digits) + (rf"\textbf{{{text}}}" if entry.bold else text)
    sign = rf"\rlap{{{SIGNS[entry.mark]}}}" if entry.mark else ""
    if not entry.spread:
        return [text + sign]
    if below:
        return [text + sign, rf"{{\scriptsize {_number(entry.spread)}}}"]
    return [rf"{text}{{\scriptsize {_beside(entry.spread, spread_digits)}}}{sign}"]


def _beside(spread: str, digits: int) -> str:
    """A spread beside its value, with little space after its sign."""
    sign, number = ("±", spread[1:].strip()) if spread.startswith("±") else (" ", spread)
    return (latex_text(sign) or r"\,") + _padding(spread, digits) + _number(number)


def _number(text: str) -> str:
    """Numbers with a minus sign in place of a hyphen."""
    return latex_text(re.sub(r"-(?=\d)", "\u2212", text))


def _padding(text: str, digits: int) -> str:
    missing = digits - _digits(text)
    return rf"\phantom{{{'0' * missing}}}" if missing and _digits(text) else ""


def _digits(text: str) -> int:
    """The number of digits before the decimal point."""
    found = re.match(r"[^\d]{0,2}(\d+)", text)
    return len(found[1]) if found else 0
