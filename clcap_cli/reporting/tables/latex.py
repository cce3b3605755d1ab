"""Tables as LaTeX."""

from collections.abc import Sequence
from dataclasses import replace

from clcap_cli.console import escaped
from clcap_cli.reporting.tables.table import Cell, Table, format_cell

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


def as_latex(tables: Sequence[Table]) -> str:
    """Tables as booktabs tabulars below their titles; the best value of each column is bold."""
    return "% needs \\usepackage{booktabs}\n" + "\n".join(map(_latex, tables))


def _latex(table: Table) -> str:
    head = " & ".join(["", *(_latex_text(metric.name) for metric in table.metrics)])
    rows = [" & ".join([_latex_text(name), *map(_latex_cell, cells)]) for name, cells in table.rows]
    body = [r"\toprule", rf"{head} \\", r"\midrule", *(rf"{row} \\" for row in rows), r"\bottomrule"]
    begin = rf"\begin{{tabular}}{{l{'r' * len(table.metrics)}}}"
    return "\n".join([f"% {escaped(' '.join(table.title.split()))}", begin, *body, r"\end{tabular}"]) + "\n"


def _latex_cell(cell: Cell) -> str:
    spread = _latex_text(cell.spread)
    return format_cell(replace(cell, spread=spread), r"\textbf{{{}}}", r"{} {{\scriptsize {}}}")


def _latex_text(text: str) -> str:
    return "".join(LATEX.get(mark, mark) for mark in escaped(" ".join(text.split())))
