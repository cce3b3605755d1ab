"""Plots as files for a paper, drawn by Matplotlib."""

import io
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from clcap_cli.artifacts.atomic import atomic_write
from clcap_cli.reporting.plot import Dashes, Plot

INK = "#1c1d20"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "clcap",
    "pdf.fonttype": 42,  # TrueType, as conferences ask for
    "font.family": "sans-serif",
    "font.size": 8,
    "legend.fontsize": 7,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "lines.markersize": 2.5,
}
SIZE = (3.25, 2.2)
"""Width of a paper's column, and height, in inches."""
DPI = 300
BOLD_LINE = 2.2
"""Width of the fifth line and those after it, whose dash patterns repeat: all differ without colours, too."""
MAX_NAMES_INSIDE = 8
"""Largest number of names in a legend inside the plot."""
NAME_SIZE = (0.065, 0.14)
"""Width per letter and height of a name in a legend next to the plot, in inches."""
MARGIN = 0.05
"""Space above and below the values, as a share of the y axis."""
KINDS = ("pdf", "png", "svg")
"""Formats of plots, which are the suffixes of their files."""
NO_DATE: dict[str, dict[str, None]] = {"pdf": {"CreationDate": None}, "png": {}, "svg": {"Date": None}}
"""Metadata without the time, so that equal plots are equal files."""
OUTSIDE_LINE = 10
"""Distance of the values beyond the y axis, in points."""
KEPT: dict[str, Any] = {"marker": "o", "markersize": 6, "markerfacecolor": "none", "linestyle": "none"}
"""Style of the ring around the kept checkpoint's values."""
BEYOND: dict[str, Any] = {"marker": "^", "markersize": 4, "linestyle": "none"}
"""Style of the values beyond the y axis."""


def save_plot(plot: Plot, folder: Path) -> None:
    """Write a plot as PDF, PNG and SVG to ``folder``.

    Raises ClcapError when a file cannot be written.
    """
    with matplotlib.rc_context(STYLE):
        figure = draw(plot)
    for kind in KINDS:
        with atomic_write(folder / f"{_file_name(plot.name)}.{kind}") as part:
            part.write_bytes(_rendered(figure, kind, facecolor="white"))


def _rendered(figure: Figure, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name may have characters that the font lacks
        figure.savefig(content, format=kind, dpi=DPI, metadata=NO_DATE[kind], **options)
    return content.getvalue()


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def draw(plot: Plot) -> Figure:
    """The plot as a figure of Matplotlib."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(f"{plot.x} (log scale)" if plot.is_log else plot.x)
    axes.set_ylabel(plot.y)
    low, high = plot.y_range
    margin = MARGIN * (high - low or abs(high) or 1)
    axes.set_ylim(low if plot.is_log else low - margin, high + margin)
    _scale_x(axes, plot)
    handles = [_draw_line(axes, plot, number) for number in range(len(plot.series))]
    _mark_outside(axes, plot, above=True)
    _mark_outside(axes, plot, above=False)
    labels = [series.label for series in plot.series]
    if any(series.kept for series in plot.series):
        handles, labels = [*handles, Line2D([], [], color=INK, **KEPT)], [*labels, "kept epoch"]
    if plot.outside(above=True) or plot.outside(above=False):
        handles, labels = [*handles, Line2D([], [], color=INK, **BEYOND)], [*labels, "value beyond the axis"]
    _add_legend(figure, handles, labels)
    return figure


def _scale_x(axes: Axes, plot: Plot) -> None:
    if not plot.is_log:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return
    _, last = plot.x_range
    axes.set_xscale("log")
    axes.set_xlim(1, max(2, last))
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if last > 100 else (1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda k, _: f"{k:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _draw_line(axes: Axes, plot: Plot, number: int) -> Line2D:
    """Draw the series with this number and its marks; returns its line, for the legend."""
    series = plot.series[number]
    style = series.style
    colour = style.colour or INK
    inside = {x: y for x, y in series.values.items() if not plot.is_outside(y)}
    (line,) = axes.plot(
        [*inside],
        [*inside.values()],
        color=colour,
        linestyle=style.dashes,
        linewidth=STYLE["lines.linewidth"] if number < len(get_args(Dashes)) else BOLD_LINE,
        marker="o" if style.marker else "",
        markerfacecolor="white" if style.marker == "hollow" else colour,
    )
    if series.kept:
        axes.plot([series.kept[0]], [series.kept[1]], color=colour, **KEPT)
    return line


def _mark_outside(axes: Axes, plot: Plot, above: bool) -> None:
    """Mark values beyond one end of the y axis by triangles at its edge, and list the values next to them."""
    edge, marker = plot.y_range[above], BEYOND["marker"] if above else "v"
    for line, (series, x, y) in enumerate(plot.outside(above)):
        colour = series.style.colour or INK
        axes.plot([x], [edge], color=colour, **{**BEYOND, "marker": marker})
        offset = (5, OUTSIDE_LINE * (-line if above else line))
        axes.annotate(f"{y:.4g}", (x, edge), xytext=offset, textcoords="offset points", va="center", color=colour)


def _add_legend(figure: Figure, handles: Sequence[Line2D], labels: Sequence[str]) -> None:
    """Add a legend that names the lines by ``labels``; a long legend is placed next to the plot.

    The labels are set afterwards, because Matplotlib would omit labels that start with "_" and interpret "$" as math.
    """
    (axes,) = figure.axes
    location: dict[str, Any] = {"loc": "best"}
    if len(labels) > MAX_NAMES_INSIDE:
        location = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
        width, height = NAME_SIZE
        figure.set_size_inches(SIZE[0] + width * max(map(len, labels)), max(SIZE[1], height * (len(labels) + 2)))
    legend = axes.legend(list(handles), [str(number) for number in range(len(labels))], **location)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_parse_math(False)
        text.set_text(label)
