"""Recall over all k, and how training went: drawn for the page and for a paper."""

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from clcap_cli.artifacts.atomic import written_whole
from clcap_cli.reporting.curves import recall_curve, some_k
from clcap_cli.reporting.runs import Run

COLOURS = ("#2479BD", "#D55E00", "#009E73", "#C06A99", "#8A7A00", "#7A7A7A")
"""Told apart by the colour-blind (four are near Okabe and Ito's), and readable on white as on near-black."""
DASHES = ("-", "--", "-.", ":")
INK = "#010203"
"""Of axes and text: on the page it becomes the text's colour."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "clcap",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
SIZE = (5.4, 3.5)
"""Inches."""
DPI = 200


@dataclass(frozen=True)
class Plot:
    """A picture of numbers, and the numbers."""

    name: str
    """Of its files."""
    title: str
    told: str
    """What it shows, in words."""
    columns: list[str]
    rows: list[list[float | None]]
    figure: Figure

    def svg(self) -> str:
        """The picture as an element of the page, in the text's colour; its ids are its own."""
        text = _drawn(self.figure, "svg", transparent=True).decode()
        text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
        text = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"|(<svg[^>]*?) height="[^"]*"', r"\1\2", text, count=1)
        text = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{_file_name(self.name)}-", text)
        return text.replace(INK, "currentColor")


def save(plot: Plot, folder: Path) -> None:
    """Write a plot as PNG and SVG into ``folder``.

    Raises ClcapError when it cannot be written.
    """
    for kind in ("png", "svg"):
        with written_whole(folder / f"{_file_name(plot.name)}.{kind}") as part:
            part.write_bytes(_drawn(plot.figure, kind, facecolor="white"))


def _drawn(figure: Figure, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name may have marks that the font lacks
        dates = {"Date": None} if kind == "svg" else {}
        figure.savefig(content, format=kind, dpi=DPI, metadata=dates, **options)
    return content.getvalue()


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII)


def all_plots(runs: Sequence[Run]) -> list[Plot]:
    """Every plot for which there are numbers: recall, then each run's training."""
    with matplotlib.rc_context(STYLE):
        ranked = [run for run in runs if run.pool]
        plots = [_recall(ranked, style_of(runs))] if ranked else []
        for run in runs:
            plots += _training(run)
    return plots


def style_of(runs: Sequence[Run]) -> dict[str, tuple[str, str]]:
    """Colour and dashes of every run's line, by name."""
    return {run.name: (COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]) for number, run in enumerate(runs)}


def _recall(runs: Sequence[Run], styles: Mapping[str, tuple[str, str]]) -> Plot:
    """R@k over every k, beside what chance gives."""
    figure, axes = _axes("k: images looked at (log scale)", "R@k")
    curves = [(run.name, recall_curve(run)) for run in runs]
    for name, curve in curves:
        colour, dashes = styles[name]
        axes.plot(np.arange(1, len(curve) + 1), curve, color=colour, linestyle=dashes)
    pools = sorted({run.pool for run in runs})
    alone = len(pools) == 1
    chances = [("chance" if alone else f"chance among {pool}", np.arange(1, pool + 1) / pool) for pool in pools]
    for _, chance in chances:
        axes.plot(np.arange(1, len(chance) + 1), chance, color=INK, alpha=0.55, linewidth=1.2, linestyle=(0, (1, 1.5)))
    axes.set_xscale("log")
    axes.set_xlim(1, max(2, *pools))
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if max(pools) > 100 else (1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda k, _: f"{k:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    lines = [*curves, *chances]
    names = [name for name, _ in lines]
    _legend(axes, names, "upper left")
    ks = some_k(max(pools))
    rows: list[list[float | None]] = [
        [k, *(float(curve[k - 1]) if k <= len(curve) else None for _, curve in lines)] for k in ks
    ]
    said = "; ".join(
        f"{name} {', '.join(f'R@{k} {line[k - 1]:.3f}' for k in ks if k <= min(100, len(line)))}"
        for name, line in lines
    )
    return Plot("recall", "Recall at every k", f"R@k over k: {said}.", ["k", *names], rows, figure)


@dataclass(frozen=True)
class _Line:
    """One figure of a training log."""

    label: str
    key: str
    colour: str
    dashes: str


LOSS = (
    _Line("training", "loss", COLOURS[0], "-"),
    _Line("validation", "val_loss", COLOURS[1], "--"),
)
CONTRAST = (
    _Line("matched, training", "G_positive", COLOURS[0], ":"),
    _Line("matched, validation", "val_G_positive", COLOURS[0], "-"),
    _Line("mismatched, training", "G_negative", COLOURS[1], ":"),
    _Line("mismatched, validation", "val_G_negative", COLOURS[1], "-"),
)


def _training(run: Run) -> list[Plot]:
    """The loss of every epoch and, where it was logged, mean G of matched and of mismatched captions."""
    contrast = "G = ln p(target) - ln p(reference)"
    plots = [_epochs(run, "loss", "loss", LOSS), _epochs(run, "G", contrast, CONTRAST)]
    return [plot for plot in plots if plot]


def _epochs(run: Run, what: str, unit: str, lines: Sequence[_Line]) -> Plot | None:
    """Some figures of a training log over its epochs; None where none was logged."""
    lines = [line for line in lines if any(line.key in epoch for epoch in run.log)]
    if not lines:
        return None
    figure, axes = _axes("epoch", unit)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for line in lines:
        points = [(epoch["epoch"], epoch[line.key]) for epoch in run.log if line.key in epoch]
        axes.plot(*zip(*points, strict=True), color=line.colour, linestyle=line.dashes, marker="o", markersize=3.5)
    _legend(axes, _labels(lines), "best")
    rows = [[epoch["epoch"], *(epoch.get(line.key) for line in lines)] for epoch in run.log]
    ends = "; ".join(f"{line.label} {_ends(run, line.key)}" for line in lines)
    title = f"{run.name}: {what}"
    return Plot(f"{run.name}.{what}", title, f"{title} by epoch: {ends}.", ["epoch", *_labels(lines)], rows, figure)


def _labels(lines: Sequence[_Line]) -> list[str]:
    return [line.label for line in lines]


def _ends(run: Run, key: str) -> str:
    values = [epoch[key] for epoch in run.log if key in epoch]
    return f"from {values[0]:.3f} to {values[-1]:.3f}"


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def _legend(axes: Axes, labels: Sequence[str], place: Literal["best", "upper left"]) -> None:
    """Names as they are: Matplotlib would leave out those that start with "_" and read "$" as mathematics."""
    legend = axes.legend(list(axes.lines), [str(number) for number in range(len(labels))], loc=place)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_parse_math(False)
        text.set_text(label)
