"""Tables of runs and settings as LaTeX that papers print: in columns of their width, with caption and label."""

import re
from collections.abc import Sequence

from clcap_cli.reporting.metric_groups import group_metrics
from clcap_cli.reporting.tables.intervals import INTERVAL, Intervals, shown_spread
from clcap_cli.reporting.tables.latex_sheet import latex_table, slug
from clcap_cli.reporting.tables.layout import layouts
from clcap_cli.reporting.tables.legend import INTERVALS, legend
from clcap_cli.reporting.tables.sheet import Entry, Sheet, SheetColumn
from clcap_cli.reporting.tables.table import Cell, Table

HEAD = "% needs \\usepackage{booktabs}\n"
SHORT = {"BLEU": "B", "METEOR": "M", "ROUGE_L": "R-L", "CIDEr": "C", "SPICE": "S"}
"""Usual abbreviations of metrics in tables of captioning."""
HALF_WIDTH = "±: half the width of the 95% confidence interval over images."
CIDER_SCALE = "CIDEr ranges from 0 to 10."


def as_latex(tables: Sequence[Table], intervals: Intervals | None = None) -> str:
    """The tables, each in as many parts as fit the page of a paper.

    Without ``intervals``, standard deviations over seeds stand beside the values, but no confidence intervals.
    """
    return sheets_as_latex([_sheet(table, intervals) for table in tables])


def sheets_as_latex(sheets: Sequence[Sheet]) -> str:
    """The sheets as LaTeX, with a different label for each."""
    found = [layout for sheet in sheets for layout in layouts(sheet)]
    slugs = [slug(layout.sheet.title) for layout in found]
    earlier = [slugs[:number].count(name) for number, name in enumerate(slugs)]
    labels = [f"tab:{name}-{count + 1}" if count else f"tab:{name}" for name, count in zip(slugs, earlier, strict=True)]
    return "\n".join([HEAD, *map(latex_table, found, labels)])


def _sheet(table: Table, intervals: Intervals | None) -> Sheet:
    chosen = intervals or ("pm" if _has_deviations(table) else "none")
    return Sheet(
        title=table.title,
        images=table.images,
        sentences=_sentences(table, chosen),
        corner=table.row_header.capitalize(),
        names=[name for name, _ in table.rows],
        columns=_columns(table, chosen),
        spreads_below=chosen == "below",
        ruled=_first_human_row(table),
    )


def _first_human_row(table: Table) -> frozenset[int]:
    rows = [number for number, (name, _) in enumerate(table.rows) if name in table.human]
    return frozenset(rows[:1])


def _columns(table: Table, intervals: Intervals) -> list[SheetColumn]:
    by_group = group_metrics(metric.name for metric in table.metrics)
    groups = {info.name: title for title, infos in by_group.items() for info in infos}
    rows = [cells for _, cells in table.rows]
    return [
        SheetColumn(
            metric.label,
            [_entry(cells[number], intervals) for cells in rows],
            metric.arrow,
            groups[metric.name],
            _short_label(metric.label),
            CIDER_SCALE if metric.label.startswith("CIDEr") else "",
        )
        for number, metric in enumerate(table.metrics)
    ]


def _has_deviations(table: Table) -> bool:
    return any(cell.spread.startswith("±") for _, cells in table.rows for cell in cells)


def _entry(cell: Cell, intervals: Intervals) -> Entry:
    return Entry(cell.text, shown_spread(cell.spread, intervals), cell.best, cell.significant)


def _short_label(label: str) -> str:
    """The label with its usual abbreviation; empty if there is none."""
    name = re.split("[-,]", label)[0]
    return label.replace(name, SHORT[name], 1) if name in SHORT else ""


def _sentences(table: Table, intervals: Intervals) -> list[str]:
    note = table.note.replace(" ± sample standard deviation", "") if intervals == "none" else table.note
    marks = [one for one in legend([table]) if one != INTERVALS]
    spread = {"below": INTERVALS, "pm": HALF_WIDTH}.get(intervals, "")
    shown = spread if any(INTERVAL.match(cell.spread) for _, cells in table.rows for cell in cells) else ""
    return list(filter(None, [f"{note[:1].upper()}{note[1:]}." if note else "", *marks, shown]))
