"""The size, line breaks and environment with which a sheet fits a paper's column or page."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from typing import Literal

from clcap_cli.reporting.tables.latex_text import width
from clcap_cli.reporting.tables.sheet import Sheet, SheetColumn
from clcap_cli.reporting.tables.wrapping import head_lines, name_lines

Environment = Literal["table", "table*"]
Size = Literal["small", "footnotesize"]
SMALL: Size = "small"
FOOTNOTE: Size = "footnotesize"
COLUMN, PAGE = 230.0, 486.0
"""Largest widths of tables in points: of a column, and of the page, of papers with two columns.

LaTeX scales a table down where the column or page of a paper is narrower."""
POINTS: dict[Size, float] = {"small": 8.75, "footnotesize": 8.0}
"""Points of one unit of ``width`` by size of type."""
SMALL_PRINT = 7.5
"""Points of one unit of ``width`` in \\scriptsize."""
SEPARATION: dict[Size, float] = {"small": 4.0, "footnotesize": 3.0}
"""Space on each side of a column in points."""
BOLD = 1.15
"""Width of bold digits, relative to others."""
SOME_NAMES, MIN_NAMES = 100.0, 60.0
"""Widths of the column of wrapped names in points: below the first, heads are abbreviated; below the second, the table
is divided."""
MAX_WORD = 70.0
"""Largest width of a word of a head in points."""
ARROWS = ("↑", "↓")
MOST_LINES, MOST_GROUP_LINES = 3, 2
"""Largest numbers of lines of the head of a column, and of a group of columns."""
GROUP_EXCESS = 15.0
"""Points by which the head of a group may widen its columns before it is wrapped."""
MAX_LINES = 36
"""Largest number of lines below the head."""


@dataclass(frozen=True)
class _Fit:
    """What a layout tries: the table's largest width, the number of lines of its heads, and its size."""

    limit: float
    lines: int
    size: Size

    @property
    def points(self) -> float:
        return POINTS[self.size]

    @property
    def separation(self) -> float:
        return SEPARATION[self.size]


FITS = [_Fit(limit, lines, size) for limit in (COLUMN, PAGE) for lines, size in ((1, SMALL), (2, SMALL), (2, FOOTNOTE))]
"""Layouts with whole heads and names, the best first."""
NARROW_FITS = [_Fit(PAGE, lines, FOOTNOTE) for lines in (2, MOST_LINES)]
"""Layouts with short heads or wrapped names."""


@dataclass(frozen=True)
class Layout:
    """A sheet with its environment, size and line breaks."""

    sheet: Sheet
    environment: Environment
    size: Size
    names: list[list[str]]
    """Lines of each row's name."""
    heads: list[list[str]]
    """Lines of each column's head."""
    groups: list[list[str]]
    """Lines of the head of each group of columns; empty if there is a single group."""

    @property
    def height(self) -> int:
        """The number of lines below the head."""
        return sum(max(len(lines), 2 if self.sheet.spreads_below else 1) for lines in self.names)


def layouts(sheet: Sheet) -> list[Layout]:
    """The sheet, in as many parts as are needed to fit a page."""
    return [layout for part in _column_parts(sheet) for layout in _low_enough(part)]


def _low_enough(sheet: Sheet) -> list[Layout]:
    """The sheet, in parts with similar numbers of rows if it is higher than a page."""
    layout = _best(sheet)
    rows = range(len(sheet.names))
    size = ceil(len(rows) / ceil(layout.height / MAX_LINES))
    if size == len(rows):
        return [layout]
    parts = _numbered([sheet.with_rows(rows[start : start + size]) for start in rows[::size]])
    return [low for part in parts for low in _low_enough(part)]


def _column_parts(sheet: Sheet) -> list[Sheet]:
    if _fits(sheet):
        return [sheet]
    if len(sheet.groups) > 1:
        groups = [replace(sheet, title=_joined(sheet.title, title), columns=columns) for title, columns in sheet.groups]
        return [part for group in groups for part in _column_parts(group)]
    return _numbered(_divided(sheet))


def _joined(title: str, group: str) -> str:
    lower = group if group[1:2].isupper() else group[:1].lower() + group[1:]
    return f"{title}: {lower}" if group else title


def _divided(sheet: Sheet) -> list[Sheet]:
    """The sheet in the smallest number of parts that fit, with similar numbers of columns."""
    count = len(sheet.columns)
    sizes = (ceil(count / parts) for parts in range(2, count))
    divisions = (
        [replace(sheet, columns=sheet.columns[at : at + size]) for at in range(0, count, size)] for size in sizes
    )
    single = [replace(sheet, columns=[column]) for column in sheet.columns]
    return next((parts for parts in divisions if all(map(_fits, parts))), single)


def _numbered(parts: Sequence[Sheet]) -> list[Sheet]:
    if len(parts) == 1:
        return list(parts)
    return [replace(part, title=f"{part.title}, part {n} of {len(parts)}") for n, part in enumerate(parts, start=1)]


def _fits(sheet: Sheet) -> bool:
    return any(True for _ in _candidates(sheet))


def _best(sheet: Sheet) -> Layout:
    """The first layout that fits; a sheet of a single wide column has wrapped names."""
    return next(_candidates(sheet), None) or _layout(sheet, NARROW_FITS[-1], MIN_NAMES)


def _candidates(sheet: Sheet) -> Iterator[Layout]:
    """Layouts that fit, the best first: in a column, on a page, with short heads, with wrapped names."""
    for fit in FITS:
        yield from _fitting(sheet, fit, _names_width(sheet, fit))
    short = sheet.abbreviated()
    for fit in NARROW_FITS:
        yield from _fitting(short, fit, _names_width(short, fit))
    for (part, least), fit in product(((sheet, SOME_NAMES), (short, MIN_NAMES)), NARROW_FITS):
        yield from _fitting(part, fit, least)


def _fitting(sheet: Sheet, fit: _Fit, least: float) -> Iterator[Layout]:
    """The layout, if it leaves ``least`` points for the names."""
    if (rest := fit.limit - _values_width(sheet, fit)) >= least:
        yield _layout(sheet, fit, rest)


def _layout(sheet: Sheet, fit: _Fit, rest: float) -> Layout:
    """The layout with names in ``rest`` points."""
    groups = [lines for lines, _ in _group_heads(sheet, fit)]
    return Layout(
        sheet,
        "table" if fit.limit == COLUMN else "table*",
        fit.size,
        [name_lines(name, rest / fit.points) for name in sheet.names],
        _arrows_alike([_head_lines(column, fit, sheet.spreads_below) for column in sheet.columns]),
        groups if all(len(lines) <= MOST_GROUP_LINES for lines in groups) else [],
    )


def _arrows_alike(heads: list[list[str]]) -> list[list[str]]:
    """The heads with the arrow of a single line on a second line, if any head has its arrow there."""
    if all(lines[-1] not in ARROWS for lines in heads):
        return heads
    return [lines[0].rsplit(" ", 1) if len(lines) == 1 and lines[0].endswith(ARROWS) else lines for lines in heads]


def _names_width(sheet: Sheet, fit: _Fit) -> float:
    return max(map(width, [sheet.corner, *sheet.names])) * fit.points


def _values_width(sheet: Sheet, fit: _Fit) -> float:
    """Width in points of everything but the names."""
    columns = [_column_width(column, fit, sheet.spreads_below) for column in sheet.columns]
    excess = sum(more for _, more in _group_heads(sheet, fit))
    return sum(columns) + excess + (2 * len(columns) + 1) * fit.separation


def _group_heads(sheet: Sheet, fit: _Fit) -> Iterator[tuple[list[str], float]]:
    """Lines of the head of each group, and the width by which they exceed its columns."""
    for title, columns in sheet.groups if _has_group_heads(sheet) else []:
        inner = sum(_column_width(column, fit, sheet.spreads_below) for column in columns)
        span = inner + 2 * fit.separation * (len(columns) - 1)
        most = 1 if width(title) * fit.points <= span + GROUP_EXCESS else MOST_LINES
        lines = head_lines(title, most, span / fit.points, PAGE)
        yield lines, max(0.0, max(map(width, lines)) * fit.points - span)


def _has_group_heads(sheet: Sheet) -> bool:
    """Whether there are several groups, each in one place and of several columns."""
    titles = [title for title, _ in sheet.groups]
    return 1 < len(titles) == len(set(titles)) and all(len(columns) > 1 for _, columns in sheet.groups)


def _column_width(column: SheetColumn, fit: _Fit, below: bool) -> float:
    heads = [width(line) * fit.points for line in _head_lines(column, fit, below)]
    return max(*heads, _entries_width(column, fit, below))


def _head_lines(column: SheetColumn, fit: _Fit, below: bool) -> list[str]:
    entries = _entries_width(column, fit, below)
    most = max(entries, MAX_WORD if fit.lines > 1 else PAGE / 2)
    return head_lines(column.head, fit.lines, entries / fit.points, most / fit.points)


def _entries_width(column: SheetColumn, fit: _Fit, below: bool) -> float:
    bold = BOLD if any(entry.bold for entry in column.entries) else 1.0
    value = sum(_widest(entry.text.partition(".")[part] for entry in column.entries) for part in (0, 1, 2))
    spread = _widest(entry.spread.replace("± ", "±") for entry in column.entries) * SMALL_PRINT
    combine: Callable[[float, float], float] = max if below else float.__add__
    return combine(value * fit.points * bold, spread)


def _widest(texts: Iterator[str]) -> float:
    return max(map(width, texts), default=0.0)
