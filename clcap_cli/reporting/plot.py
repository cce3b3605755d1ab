"""The content of a plot, which the page and the files of a paper draw alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

Dashes = Literal["-", "--", "-.", ":"]
"""Dash pattern in Matplotlib's notation."""


@dataclass(frozen=True)
class LineStyle:
    """How a line is drawn; its colour stands for a run and for nothing else."""

    colour: str
    """Hexadecimal colour; empty for the colour of the text."""
    dashes: Dashes = "-"
    marker: Literal["", "filled", "hollow"] = ""
    """Mark at each value; empty for none."""


@dataclass(frozen=True)
class Series:
    """The values of one line."""

    label: str
    values: dict[float, float]
    """y by x, in the order of x."""
    style: LineStyle
    kept_epoch: float | None = None
    """x of the run's kept checkpoint; None on plots that are not over epochs, and if it is unknown."""

    @property
    def kept(self) -> tuple[float, float] | None:
        """The point of the kept checkpoint; None if it is unknown or has no value."""
        if self.kept_epoch is None or self.kept_epoch not in self.values:
            return None
        return self.kept_epoch, self.values[self.kept_epoch]


@dataclass(frozen=True)
class Plot:
    """A plot with the values that it shows."""

    name: str
    """Name of its files, without suffix."""
    title: str
    description: str
    """Text alternative of the plot."""
    x: str
    """Label of the x axis."""
    y: str
    """Label of the y axis."""
    series: Sequence[Series]
    table_xs: Sequence[float]
    """x of the rows of the table that is the plot's text alternative."""
    y_range: tuple[float, float]
    """Ends of the y axis; values outside are drawn as marks at its edge."""
    is_log: bool = False
    """Whether the x axis is logarithmic."""

    @property
    def columns(self) -> list[str]:
        """Column names of the table."""
        return [self.x, *(series.label for series in self.series)]

    @property
    def rows(self) -> list[list[float | None]]:
        """Rows of the table; None where a line has no value."""
        return [[x, *(series.values.get(x) for series in self.series)] for x in self.table_xs]

    @property
    def x_range(self) -> tuple[float, float]:
        """The smallest and the largest x of all lines."""
        xs = list(chain.from_iterable(series.values for series in self.series))
        return min(xs), max(xs)

    def outside(self, above: bool) -> list[tuple[Series, float, float]]:
        """The values above or below the y axis, each with its line and x."""
        low, high = self.y_range
        values = [(series, x, y) for series in self.series for x, y in series.values.items()]
        return [(series, x, y) for series, x, y in values if (y > high if above else y < low)]

    def is_outside(self, y: float) -> bool:
        """Whether a value is outside the y axis."""
        return not self.y_range[0] <= y <= self.y_range[1]

    def as_json(self) -> dict[str, Any]:
        """The plot for the page's script; values have six significant digits."""
        lines = [_line_as_json(series) for series in self.series]
        ends = [_short(y) for y in self.y_range]
        return {"x": self.x, "y": self.y, "range": ends, "isLog": self.is_log, "lines": lines}


def _line_as_json(series: Series) -> dict[str, Any]:
    style = series.style
    return {
        "label": series.label,
        "colour": style.colour or "currentColor",
        "dashes": style.dashes,
        "marker": style.marker,
        "kept": None if series.kept_epoch is None else _short(series.kept_epoch),
        "points": [[_short(x), _short(y)] for x, y in series.values.items()],
    }


def _short(value: float) -> float:
    return float(f"{value:.6g}")
