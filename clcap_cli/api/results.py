"""What ``score`` and ``self_retrieve`` give: metrics with their intervals, shown as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, repr=False)
class Results:
    """What was measured of captions."""

    metrics: Mapping[str, float]
    """Value of each metric, over all images."""
    intervals: Mapping[str, tuple[float, float]]
    """95% confidence intervals of the metrics that have one."""
    signatures: Mapping[str, str]
    """What each metric depends on; values are comparable where these are equal."""
    images: Sequence[Mapping[str, Any]]
    """One entry an image: ``image_id``, ``caption``, and values under the metrics' names."""

    def __repr__(self) -> str:
        return self._table().to_string()

    def _repr_html_(self) -> str:
        return self._table().to_html()

    def _table(self) -> "DataFrame":
        from pandas import DataFrame

        rows = {name: [_written(value), _interval(self.intervals.get(name))] for name, value in self.metrics.items()}
        return DataFrame.from_dict(rows, orient="index", columns=["value", "95% interval"])


@dataclass(frozen=True, repr=False)
class Score(Results):
    """Metrics of captions against references."""

    not_scored: Mapping[str, str]
    """Metrics that could not be computed, and why."""
    empty_captions: int
    """Number of captions without a word."""
    left_out: Mapping[str, int]
    """Number of ``captions`` without references, and of ``images`` without captions."""
    matched_by: Mapping[str, int]
    """Number of images by what candidates and references were matched by, such as "id"."""


@dataclass(frozen=True, repr=False)
class SelfRetrieval(Results):
    """Ranks at which captions find their images; each image's entry has its ``rank``, ``tied`` and ``log_prob``."""

    chance: Mapping[str, float]
    """Values of captions that say nothing about their images."""


def _written(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4f}"


def _interval(ends: tuple[float, float] | None) -> str:
    return f"[{ends[0]:.4f}, {ends[1]:.4f}]" if ends else ""
