"""How plots look, on the page and in files, and the names and numbers that go with them."""

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
INSIDE = 8
"""Names that a plot has room for."""
NAME = (0.1, 0.22)
"""Inches that a letter of a name is wide, and a name high, beside a plot."""


@dataclass(frozen=True)
class Plot:
    """A picture of numbers, and the numbers."""

    name: str
    """Of its files."""
    title: str
    description: str
    """What it shows, in words."""
    columns: list[str]
    rows: list[list[float | None]]
    figure: Figure

    def svg(self) -> str:
        """The picture as an element of the page, in the text's colour; its ids are its own."""
        text = _drawn(self.figure, "svg", transparent=True).decode()
        text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
        text = re.sub(r' (width|height)="[^"]*pt"', "", text, count=2)
        text = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{_file_name(self.name)}-", text)
        return text.replace(INK, "currentColor")


def save(plot: Plot, folder: Path) -> None:
    """Write a plot as PNG and SVG into ``folder``.

    Raises ClcapError when it cannot be written.
    """
    for kind in ("png", "svg"):
        with atomic_write(folder / f"{_file_name(plot.name)}.{kind}") as part:
            part.write_bytes(_drawn(plot.figure, kind, facecolor="white"))


def _drawn(figure: Figure, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name may have marks that the font lacks
        dates = {"Date": None} if kind == "svg" else {}
        figure.savefig(content, format=kind, dpi=DPI, metadata=dates, **options)
    return content.getvalue()


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def new_axes(x: str, y: str) -> tuple[Figure, Axes]:
    """An empty plot with the names of its axes."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def add_legend(figure: Figure, labels: Sequence[str], place: Literal["best", "upper left"]) -> None:
    """Name the lines, in order, by ``labels`` as they are; many names stand beside the curves.

    Given the names itself, Matplotlib would leave out those that start with "_", and read "$" as mathematics.
    """
    (axes,) = figure.axes
    where: dict[str, Any] = {"loc": place}
    if len(labels) > INSIDE:
        where = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
        width, height = NAME
        figure.set_size_inches(SIZE[0] + width * max(map(len, labels)), max(SIZE[1], height * (len(labels) + 2)))
    legend = axes.legend(list(axes.lines), [str(number) for number in range(len(labels))], **where)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_parse_math(False)
        text.set_text(label)
