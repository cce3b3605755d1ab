"""What a metric is: one record in a file of its own, from which evaluate, compare and report take all they need."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from clcap_cli.metrics.predictions import Columns, Context, Predictions
from clcap_cli.metrics.statistic import Statistic

Direction = Literal[1, -1, 0]
HIGHER: Direction = 1
LOWER: Direction = -1
NEITHER: Direction = 0

SELF_RETRIEVAL = "Self-retrieval"
REFERENCES = "Against the references"
DISTINCTIVENESS = "Distinctiveness"
DIVERSITY = "Diversity of an image's captions"
"""Headings of reports; a metric may have another."""


@dataclass(frozen=True)
class MetricInfo:
    """What a reader must know of a value."""

    name: str
    """In files and tables; ``{k}`` in it stands for a whole number."""
    meaning: str
    better: Direction
    """1 where higher is better, -1 where lower is, 0 where neither."""
    digits: int = 3
    """Behind the point; a count has some when it is a mean."""
    whole: bool = False
    """Whether it counts something, so that a single run's value is a whole number."""

    def written(self, value: float) -> str:
        """A value as people read it; counts are whole."""
        return str(value) if isinstance(value, int) else f"{value:.{self.digits}f}"

    @property
    def direction(self) -> str:
        """Which way is better, in words; empty where neither is."""
        return {1: "higher is better", -1: "lower is better", 0: ""}[self.better]

    def about(self, name: str) -> "MetricInfo | None":
        """The same of the value ``name``, a number in place of ``{k}``; None where that is another value."""
        match = re.fullmatch(re.escape(self.name).replace(r"\{k\}", r"(?P<k>[1-9]\d{0,8})"), name)
        return match and replace(self, name=name, meaning=self.meaning.format(**match.groupdict()))


@dataclass(frozen=True)
class Metric:
    """A way of measuring predictions.

    What it measures of each caption are its columns, which are stored; its values are statistics of columns and texts.
    A column with the name of a value is that value of a single caption: of several captions of an image, the best and
    the mean of them are reported.
    """

    name: str
    """By which --metrics and messages call it; its key in the registry."""
    group: str
    """Heading under which reports list it."""
    values: tuple[MetricInfo, ...]
    statistics: Callable[[Predictions], Mapping[str, Statistic]]
    """Values by name, from predictions that have the columns; none where it does not apply to them."""
    measure: Callable[[Predictions], Columns] | None = None
    """The columns; empty where what they need is not known. Raises ClcapError."""
    start: Callable[[Context], Callable[[Predictions], Columns]] | None = None
    """In place of ``measure``, for what runs beside the other metrics: called before there are predictions, returns
    what measures them. Raises ClcapError that says what is missing on this machine and how to get it."""
    columns: tuple[str, ...] = ()
    by_image: Callable[[Predictions], Columns] | None = None
    """Values of each image that are stored beside those of its captions."""
    signature: Callable[[Predictions], Mapping[str, str]] | None = None
    """What its values depend on; they are not comparable where one of these differs."""
    needs: tuple[str, ...] = ()
    """Metrics whose columns it is made of."""
    computed: Literal["by default", "when named", "always"] = "when named"
    """When evaluate computes it: unless --metrics names others, only if it is named there, or whatever is named."""
