"""The tables of figures: for the terminal, for a paper, for a spreadsheet."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clcap_cli.reporting.meanings import Meaning, grouped
from clcap_cli.reporting.runs import Run, same_images

if TYPE_CHECKING:
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


@dataclass(frozen=True)
class Cell:
    """One run's value of a figure; empty text where it has none."""

    value: float | None
    text: str
    interval: str
    """"[low, high]", or empty."""
    best: bool


@dataclass(frozen=True)
class Table:
    """Figures that belong together, one row a run."""

    title: str
    figures: list[Meaning]
    rows: list[tuple[str, list[Cell]]]


def tables(runs: Sequence[Run]) -> list[Table]:
    """The figures of all runs that have any; the best of a column is marked where all are of the same images."""
    comparable = same_images(runs)
    runs = [run for run in runs if run.figures]
    names = list(dict.fromkeys(name for run in runs for name in run.figures))
    return [
        Table(
            title, figures, [(run.name, [_cell(run, figure, runs, comparable) for figure in figures]) for run in runs]
        )
        for title, figures in grouped(names).items()
    ]


def _cell(run: Run, figure: Meaning, runs: Sequence[Run], comparable: bool) -> Cell:
    value = run.figures.get(figure.name)
    if value is None:
        return Cell(None, "", "", False)
    interval = run.intervals.get(figure.name)
    between = f"[{', '.join(map(figure.written, interval))}]" if interval else ""
    return Cell(value, figure.written(value), between, comparable and _is_best(value, figure, runs))


def _is_best(value: float, figure: Meaning, runs: Sequence[Run]) -> bool:
    """Whether no run is better as far as is written, and at least one is worse."""
    values = [run.figures[figure.name] for run in runs if figure.name in run.figures]
    best, worst = (figure.written(choose(values, key=lambda found: figure.better * found)) for choose in (max, min))
    return worst != best == figure.written(value)


def as_csv(runs: Sequence[Run]) -> str:
    """One row a run; a figure that has intervals gets the columns ``_low`` and ``_high`` behind it."""
    figures = [figure.name for table in tables(runs) for figure in table.figures]
    bounded = {name for run in runs for name in run.intervals}
    columns = [column for name in figures for column in _columns(name, name in bounded)]
    text = io.StringIO()
    lines = csv.DictWriter(text, ["run", *columns], restval="", lineterminator="\n")
    lines.writeheader()
    for run in runs:
        if run.figures:
            bounds = [(f"{name}_low", f"{name}_high", interval) for name, interval in run.intervals.items()]
            ends = {
                end: value for low, high, interval in bounds for end, value in zip((low, high), interval, strict=True)
            }
            lines.writerow({"run": run.name, **run.figures, **ends})
    return text.getvalue()


def _columns(name: str, bounded: bool) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"] if bounded else [name]


def as_markdown(runs: Sequence[Run]) -> str:
    """One table for each group of figures, one row a run, the best of a column in bold."""
    return "\n".join(_markdown(table) for table in tables(runs))


def _markdown(table: Table) -> str:
    lines = [["run", *(figure.name for figure in table.figures)]]
    lines += [[name, *(_marked(cell, "**{}**", "{} {}") for cell in cells)] for name, cells in table.rows]
    head, *rows = ["| " + " | ".join(map(_markdown_text, line)) + " |" for line in lines]
    return "\n".join([f"{table.title}\n", head, "|---" + "|---:" * len(table.figures) + "|", *rows]) + "\n"


def _markdown_text(text: str) -> str:
    return re.sub(r"([|<`])", r"\\\1", " ".join(text.split()))


def as_latex(runs: Sequence[Run]) -> str:
    """One booktabs tabular for each group of figures, one row a run, the best of a column in bold."""
    return "% needs \\usepackage{booktabs}\n" + "\n".join(_latex(table) for table in tables(runs))


def _latex(table: Table) -> str:
    head = " & ".join(["", *(_latex_text(figure.name) for figure in table.figures)])
    rows = [
        " & ".join([_latex_text(name), *(_marked(cell, r"\textbf{{{}}}", r"{} {{\scriptsize {}}}") for cell in cells)])
        for name, cells in table.rows
    ]
    body = [r"\toprule", rf"{head} \\", r"\midrule", *(rf"{row} \\" for row in rows), r"\bottomrule"]
    begin = rf"\begin{{tabular}}{{l{'r' * len(table.figures)}}}"
    return "\n".join([f"% {table.title}", begin, *body, r"\end{tabular}"]) + "\n"


def _latex_text(text: str) -> str:
    return "".join(LATEX.get(mark, mark) for mark in " ".join(text.split()))


def _marked(cell: Cell, best: str, bounded: str) -> str:
    """A cell's text, put into the form of the best one of its column and that of one with an interval."""
    text = best.format(cell.text) if cell.best else cell.text
    return bounded.format(text, cell.interval) if cell.interval else text


def as_text(runs: Sequence[Run]) -> "RichTable":
    """One table for the terminal: a column a run, because figures are many and terminals narrow."""
    from rich.table import Table as RichTable
    from rich.text import Text

    every = tables(runs)
    shown = RichTable("", caption=_key(every), caption_justify="left")
    for name, _ in every[0].rows:
        shown.add_column(Text(name), justify="right")
    for table in every:
        for number, figure in enumerate(table.figures):
            last = number == len(table.figures) - 1
            shown.add_row(Text(figure.name), *(_text(cells[number]) for _, cells in table.rows), end_section=last)
    return shown


def _key(every: Sequence[Table]) -> str | None:
    cells = [cell for table in every for _, row in table.rows for cell in row]
    best = ["* best"] if any(cell.best for cell in cells) else []
    return "; ".join(best + (["[95% interval]"] if any(cell.interval for cell in cells) else [])) or None


def _text(cell: Cell) -> "RichText":
    from rich.text import Text

    text = Text(f"{cell.text}*", style="bold") if cell.best else Text(cell.text)
    return text.append(f" {cell.interval}", style="dim not bold") if cell.interval else text
