"""Tables of metrics as plain text, Markdown, LaTeX and CSV."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clcap_cli.console import as_rich_text, escaped
from clcap_cli.datasets.spreadsheet_cells import as_cell
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.comparability import are_comparable
from clcap_cli.reporting.metric_groups import group_metrics
from clcap_cli.reporting.runs import Run

if TYPE_CHECKING:
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


@dataclass(frozen=True)
class Cell:
    """A row's value of a metric; the text is empty if there is no value."""

    value: float | None
    text: str
    spread: str
    """"[low, high]" or "± deviation", or empty."""
    best: bool


@dataclass(frozen=True)
class Table:
    """A table with one row per run or per setting, and one column per metric."""

    title: str
    row_header: str
    """Header of the column of row names."""
    metrics: list[MetricInfo]
    rows: list[tuple[str, list[Cell]]]


def run_tables(runs: Sequence[Run]) -> list[Table]:
    """Tables of all metrics, one row per run; the best of the values that can be compared are marked."""
    runs = [run for run in runs if run.metrics]
    names = list(dict.fromkeys(name for run in runs for name in run.metrics))
    return [
        build_table(
            title,
            "run",
            [run.name for run in runs],
            {metric: _run_cells(metric, runs) for metric in metrics},
        )
        for title, metrics in group_metrics(names).items()
    ]


def build_table(
    title: str, row_header: str, names: Sequence[str], columns: Mapping[MetricInfo, Sequence[Cell]]
) -> Table:
    """The table with these columns and a row for each of ``names``."""
    rows = zip(names, map(list, zip(*columns.values(), strict=True)), strict=True)
    return Table(title, row_header, list(columns), list(rows))


def _run_cells(metric: MetricInfo, runs: Sequence[Run]) -> list[Cell]:
    intervals = [run.intervals.get(metric.name) for run in runs]
    spreads = [f"[{', '.join(map(metric.formatted, interval))}]" if interval else "" for interval in intervals]
    return build_cells(
        metric, [run.metrics.get(metric.name) for run in runs], spreads, are_comparable(metric.name, runs)
    )


def build_cells(
    metric: MetricInfo, values: Sequence[float | None], spreads: Sequence[str], comparable: bool
) -> list[Cell]:
    """The cells of one column with formatted values and spreads; the best are marked if values are ``comparable``."""
    known = [value for value in values if value is not None]
    return [
        Cell(None, "", "", False)
        if value is None
        else Cell(value, metric.formatted(value), spread, comparable and _is_best(value, metric, known))
        for value, spread in zip(values, spreads, strict=True)
    ]


def _is_best(value: float, metric: MetricInfo, values: Sequence[float]) -> bool:
    """Whether, as formatted, none of ``values`` is better and at least one is worse."""
    in_order = sorted(values, key=lambda other: metric.direction * other)
    worst, best = metric.formatted(in_order[0]), metric.formatted(in_order[-1])
    return worst != best == metric.formatted(value)


def as_csv(runs: Sequence[Run]) -> str:
    """One row per run; the columns ``_low`` and ``_high`` follow a metric with intervals.

    If a model ranked the captions of another, two columns tell whose captions were ranked, and by which model. No cell
    is a formula to a spreadsheet.
    """
    import pandas

    metrics = [metric.name for table in run_tables(runs) for metric in table.metrics]
    with_interval = {name for run in runs for name in run.intervals}
    columns = [column for name in metrics for column in _csv_columns(name, name in with_interval)]
    rows = [
        {"run": as_cell(run.name), **_ranking_names(run), **run.metrics, **_interval_ends(run)}
        for run in runs
        if run.metrics
    ]
    crossed = any(run.ranking and not run.ranking.own for run in runs)
    names = ["run", *(("captions_of", "ranked_by") if crossed else ())]
    return pandas.DataFrame(rows, columns=[*names, *columns], dtype=object).to_csv(
        header=[as_cell(name) for name in [*names, *columns]], index=False, lineterminator="\n"
    )


def _ranking_names(run: Run) -> dict[str, str]:
    ranking = run.ranking
    if ranking is None:
        return {}
    return {"captions_of": as_cell(ranking.captions.name), "ranked_by": as_cell(ranking.ranker.name)}


def _interval_ends(run: Run) -> dict[str, float]:
    return {
        column: value
        for name, interval in run.intervals.items()
        for column, value in zip(_csv_columns(name, has_interval=True)[1:], interval, strict=True)
    }


def _csv_columns(name: str, has_interval: bool) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"] if has_interval else [name]


def as_markdown(tables: Sequence[Table]) -> str:
    """Tables below their titles; the best value of each column is bold."""
    return "\n".join(map(_markdown, tables))


def _markdown(table: Table) -> str:
    lines = [[table.row_header, *(metric.name for metric in table.metrics)]]
    lines += [[name, *(_format_cell(cell, "**{}**", "{} {}") for cell in cells)] for name, cells in table.rows]
    head, *rows = ["| " + " | ".join(map(_markdown_text, line)) + " |" for line in lines]
    return (
        "\n".join([f"{_markdown_text(table.title)}\n", head, "|---" + "|---:" * len(table.metrics) + "|", *rows]) + "\n"
    )


def _markdown_text(text: str) -> str:
    return re.sub(r"([|<`\\]|\](?=\())", r"\\\1", escaped(" ".join(text.split())))


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
    return _format_cell(replace(cell, spread=spread), r"\textbf{{{}}}", r"{} {{\scriptsize {}}}")


def _latex_text(text: str) -> str:
    return "".join(LATEX.get(mark, mark) for mark in escaped(" ".join(text.split())))


def _format_cell(cell: Cell, best: str, spread: str) -> str:
    """The cell's text in the format ``best`` if it is the best of its column, and in ``spread`` if it has a spread."""
    text = best.format(cell.text) if cell.best else cell.text
    return spread.format(text, cell.spread) if cell.spread else text


def as_text(tables: Sequence[Table]) -> "RichTable":
    """Tables with the same rows as one transposed table for the terminal, because there are many metrics."""
    from rich.table import Table as RichTable

    transposed = RichTable("", caption=_legend(tables), caption_justify="left")
    for name, _ in tables[0].rows:
        transposed.add_column(as_rich_text(name), justify="right")
    for table in tables:
        for number, metric in enumerate(table.metrics):
            last = number == len(table.metrics) - 1
            transposed.add_row(
                as_rich_text(metric.name), *(_text(cells[number]) for _, cells in table.rows), end_section=last
            )
    return transposed


def _legend(tables: Sequence[Table]) -> str | None:
    cells = [cell for table in tables for _, row in table.rows for cell in row]
    best = ["* best"] if any(cell.best for cell in cells) else []
    return "; ".join(best + (["[95% interval]"] if any(cell.spread.startswith("[") for cell in cells) else [])) or None


def _text(cell: Cell) -> "RichText":
    from rich.text import Text

    text = Text(f"{cell.text}*", style="bold") if cell.best else Text(cell.text)
    return text.append(f" {cell.spread}", style="dim not bold") if cell.spread else text
