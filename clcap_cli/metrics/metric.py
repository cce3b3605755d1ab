"""The definition of a metric: one record per metric, which evaluate, compare and report read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from clcap_cli.metrics.labels import label_of
from clcap_cli.metrics.predictions import Columns, Context, Predictions
from clcap_cli.metrics.scale import UNLIMITED, Scale
from clcap_cli.metrics.statistic import Statistic

Direction = Literal[1, -1, 0]
HIGHER: Direction = 1
LOWER: Direction = -1
NEITHER: Direction = 0

SELF_RETRIEVAL = "Self-retrieval"
REFERENCES = "Against the references"
IMAGES = "Against the images"
DISTINCTIVENESS = "Distinctiveness"
DIVERSITY = "Diversity of an image's captions"
"""Headings of reports; a metric may also define its own."""


@dataclass(frozen=True)
class MetricInfo:
    """Description of a metric value."""

    name: str
    """Name in files and tables; ``{k}`` in it stands for a positive integer."""
    meaning: str
    direction: Direction
    """1 if higher is better, -1 if lower is better, 0 if neither is."""
    decimals: int = 3
    """Decimal places; for a count, those of its mean over runs."""
    is_count: bool = False
    """Whether the value is a count, which is an integer for a single run."""
    scale: Scale = UNLIMITED
    """Range of the value; its confidence intervals stay inside."""
    in_summary: bool = True
    """Whether evaluate prints the value; files and reports have all of them."""
    independent_of: tuple[str, ...] = ()
    """Parts of the signature that the value does not depend on, such as "refs" or "tok"."""
    primary: bool = False
    """Whether the value is one of the few that clcap chose beforehand to judge a method by."""

    def formatted(self, value: float) -> str:
        """The value as text; integers without decimal places."""
        return str(value) if isinstance(value, int) else f"{value:.{self.decimals}f}"

    @property
    def label(self) -> str:
        """The name in words, such as "Mean rank" for mean_rank."""
        return label_of(self.name)

    @property
    def arrow(self) -> str:
        """ "↑" if higher is better, "↓" if lower is better, or empty."""
        return {1: "↑", -1: "↓", 0: ""}[self.direction]

    @property
    def heading(self) -> str:
        """Label and arrow, as in the header of a table."""
        return f"{self.label} {self.arrow}".rstrip()

    @property
    def direction_text(self) -> str:
        """ "higher is better", "lower is better" or empty."""
        return {1: "higher is better", -1: "lower is better", 0: ""}[self.direction]

    def for_name(self, name: str) -> "MetricInfo | None":
        """The description of the value ``name`` with its number in place of ``{k}``; None if it is another value."""
        match = re.fullmatch(re.escape(self.name).replace(r"\{k\}", r"(?P<k>[1-9]\d{0,8})"), name)
        return match and replace(self, name=name, meaning=self.meaning.format(**match.groupdict()))


@dataclass(frozen=True)
class Metric:
    """A metric of predictions.

    A metric first measures columns, which hold one item per caption and are stored in the metrics file. Its values over
    all images are statistics of columns and texts. If a column and a metric value
    share a name, the column holds that value per caption; for images with several captions, the best and the mean of
    these are reported.
    """

    name: str
    """Name in --metrics and in messages, and key in the registry."""
    group: str
    """Heading under which reports list the metric."""
    values: tuple[MetricInfo, ...]
    statistics: Callable[[Predictions], Mapping[str, Statistic]]
    """Function that maps the name of each value to its statistic, given predictions with the columns; empty if the
    metric does not apply to them."""
    measure: Callable[[Predictions], Columns] | None = None
    """Function that measures the columns; empty if data that it needs is missing. Raises ClcapError."""
    start: Callable[[Context], Callable[[Predictions], Columns]] | None = None
    """Function that starts a metric's program before the predictions are known, so that it runs in parallel with the
    other metrics, and returns the function to call in place of ``measure``. Raises ClcapError that names missing
    programs or files and how to get them."""
    columns: tuple[str, ...] = ()
    """Names of the columns that ``measure`` returns with any settings."""
    by_image: Callable[[Predictions], Columns] | None = None
    """Function from predictions to values of each image that are stored in addition to those of its captions."""
    signature: Callable[[Predictions], Mapping[str, str]] | None = None
    """Function from predictions to the settings that the values depend on; values with different settings are not
    comparable."""
    needs: tuple[str, ...] = ()
    """Names of other metrics whose columns this metric uses."""
    computed: Literal["by default", "when named", "always"] = "when named"
    """When evaluate computes the metric: unless --metrics names others, only if --metrics names it, or always."""
