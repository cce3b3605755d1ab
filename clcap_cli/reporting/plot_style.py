"""Style of plots, and their rendering for the page and for files."""

import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clcap_cli.artifacts.atomic import atomic_write

COLOURS = ("#2479BD", "#D55E00", "#009E73", "#C06A99", "#8A7A00", "#7A7A7A")
"""Distinguishable for colour-blind readers (four are close to Okabe and Ito's), on white and on near-black."""
DASHES = ("-", "--", "-.", ":")
INK = "#010203"
"""Colour of axes and text; the page replaces it by the colour of its text."""
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
"""Width and height in inches."""
DPI = 200
MAX_NAMES_INSIDE = 8
"""Largest number of names in a legend inside the plot."""
NAME_SIZE = (0.1, 0.22)
"""Width per letter and height of a name in a legend next to the plot, in inches."""


@dataclass(frozen=True)
class Plot:
    """A plot with the values that it shows."""

    name: str
    """Name of its files, without suffix."""
    title: str
    description: str
    """Text alternative of the plot."""
    columns: list[str]
    rows: list[list[float | None]]
    figure: Figure

    def svg(self) -> str:
        """The plot as an SVG element in the colour of the page's text, with ids that are unique on the page."""
        text = _rendered(self.figure, "svg", transparent=True).decode()
        text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
        text = re.sub(r' (width|height)="[^"]*pt"', "", text, count=2)
        text = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{_file_name(self.name)}-", text)
        return text.replace(INK, "currentColor")


def save_plot(plot: Plot, folder: Path) -> None:
    """Write a plot as PNG and SVG to ``folder``.

    Raises ClcapError when a file cannot be written.
    """
    for kind in ("png", "svg"):
        with atomic_write(folder / f"{_file_name(plot.name)}.{kind}") as part:
            part.write_bytes(_rendered(plot.figure, kind, facecolor="white"))


def _rendered(figure: Figure, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name may have characters that the font lacks
        dates = {"Date": None} if kind == "svg" else {}
        figure.savefig(content, format=kind, dpi=DPI, metadata=dates, **options)
    return content.getvalue()


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def new_axes(x: str, y: str) -> tuple[Figure, Axes]:
    """An empty plot with axis labels."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def add_legend(figure: Figure, labels: Sequence[str], place: Literal["best", "upper left"]) -> None:
    """Add a legend that names the lines, in order, by ``labels``; a long legend is placed next to the plot.

    The labels are set afterwards, because Matplotlib would omit labels that start with "_" and interpret "$" as math.
    """
    (axes,) = figure.axes
    location: dict[str, Any] = {"loc": place}
    if len(labels) > MAX_NAMES_INSIDE:
        location = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
        width, height = NAME_SIZE
        figure.set_size_inches(SIZE[0] + width * max(map(len, labels)), max(SIZE[1], height * (len(labels) + 2)))
    legend = axes.legend(list(axes.lines), [str(number) for number in range(len(labels))], **location)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_parse_math(False)
        text.set_text(label)
