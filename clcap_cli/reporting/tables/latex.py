"""Tables of runs and settings as LaTeX that papers print: in columns of their width, with caption and label."""

import re
from collections.abc import Sequence
from itertools import groupby

from clcap_cli.metrics.multiple_captions import caption_value_name
from clcap_cli.reporting.metric_groups import group_metrics
from clcap_cli.reporting.tables.equal_seeds import with_seeds_in_note
from clcap_cli.reporting.tables.intervals import INTERVAL, Intervals, shown_spread
from clcap_cli.reporting.tables.latex_sheet import latex_table, slug
from clcap_cli.reporting.tables.layout import layouts
from clcap_cli.reporting.tables.legend import INTERVALS, OWN, legend, mark_texts, untested_texts
from clcap_cli.reporting.tables.sheet import Entry, Sheet, SheetColumn
from clcap_cli.reporting.tables.table import Cell, Table

HEAD = "% needs \\usepackage{booktabs,graphicx}\n"
SHORT = {"BLEU": "B", "METEOR": "M", "ROUGE_L": "R-L", "CIDEr": "C", "SPICE": "S"}
"""Usual abbreviations of metrics in tables of captioning."""
HALF_WIDTH = "±: half the width of the 95% confidence interval over images."
CIDER_SCALE = "CIDEr ranges from 0 to 10."


def as_latex(tables: Sequence[Table], intervals: Intervals | None = None) -> str:
    """The tables, each in as many parts as fit the page of a paper.

    Without ``intervals``, standard deviations over seeds stand beside the values, but no confidence intervals.
    """
    return sheets_as_latex([_sheet(found, intervals) for found in _in_one_table(list(map(with_seeds_in_note, tables)))])


def _in_one_table(tables: Sequence[Table]) -> list[list[Table]]:
    """Tables that stand side by side: metrics of the same captions, ranked by the same models."""

    def kind(numbered: tuple[int, Table]) -> tuple[object, ...]:
        number, table = numbered
        names = [name for name, _ in table.rows], [metric.name for metric in table.metrics]
        return (table.note, *names) if table.metric else (number,)

    return [[table for _, table in found] for _, found in groupby(enumerate(tables), kind)]


def sheets_as_latex(sheets: Sequence[Sheet]) -> str:
    """The sheets as LaTeX, with a different label for each."""
    found = [layout for sheet in sheets for layout in layouts(sheet)]
    slugs = [slug(layout.sheet.title) for layout in found]
    earlier = [slugs[:number].count(name) for number, name in enumerate(slugs)]
    labels = [f"tab:{name}-{count + 1}" if count else f"tab:{name}" for name, count in zip(slugs, earlier, strict=True)]
    return "\n".join([HEAD, *map(latex_table, found, labels)])


def _sheet(tables: Sequence[Table], intervals: Intervals | None) -> Sheet:
    table = tables[0]
    chosen = intervals or ("pm" if _has_deviations(table) else "none")
    return Sheet(
        title="Captions ranked by several models" if len(tables) > 1 else table.title,
        images=table.images,
        sentences=_sentences(table, chosen),
        corner=table.row_header.capitalize(),
        names=[name for name, _ in table.rows],
        columns=[column for one in tables for column in _columns(one, chosen)],
        spreads_below=chosen == "below",
        ruled=_first_human_row(table),
        legend=mark_texts(tables),
    )


def _first_human_row(table: Table) -> frozenset[int]:
    rows = [number for number, (name, _) in enumerate(table.rows) if name in table.human]
    return frozenset(rows[:1])


def _columns(table: Table, intervals: Intervals) -> list[SheetColumn]:
    by_group = group_metrics(metric.name for metric in table.metrics)
    groups = {info.name: title for title, infos in by_group.items() for info in infos}
    return [
        SheetColumn(
            metric.label,
            [_entry(cells[number], intervals) for _, cells in table.rows],
            metric.arrow,
            table.metric.heading if table.metric else groups[metric.name],
            _short_label(metric.label),
            CIDER_SCALE if caption_value_name(metric.name) == "CIDEr" else "",
        )
        for number, metric in enumerate(table.metrics)
    ]


def _has_deviations(table: Table) -> bool:
    return any(cell.spread.startswith("±") for _, cells in table.rows for cell in cells)


def _entry(cell: Cell, intervals: Intervals) -> Entry:
    return Entry(cell.text, shown_spread(cell.spread, intervals), cell.best, cell.mark)


def _short_label(label: str) -> str:
    """The label with its usual abbreviation; empty if there is none."""
    name = re.split("[-,]", label)[0]
    return label.replace(name, SHORT[name], 1) if name in SHORT else ""


def _sentences(table: Table, intervals: Intervals) -> list[str]:
    note = re.sub(r"#\w+", " split", table.note)
    note = note.replace(" ± sample standard deviation", "") if intervals == "none" else note
    own = [OWN] if OWN in legend([table]) else []
    spread = {"below": INTERVALS, "pm": HALF_WIDTH}.get(intervals, "")
    shown = spread if any(INTERVAL.match(cell.spread) for _, cells in table.rows for cell in cells) else ""
    capital = f"{note[:1].upper()}{note[1:]}." if note else ""
    return list(filter(None, [capital, *own, shown, *untested_texts([table])]))
