"""Whether values of two runs, or of several seeds of each, differ by more than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clcap_cli.metrics.bootstrap import Draws, interval, p_value, spreads
from clcap_cli.metrics.multiple_captions import statistics_of
from clcap_cli.metrics.permutation_test import FEWEST, sign_flip_p
from clcap_cli.metrics.predictions import Context, Predictions, predictions_of
from clcap_cli.metrics.registry import every_metric
from clcap_cli.metrics.statistic import Statistic, value

SIGNIFICANT = 0.05
FEW = 50
"""Images below which p is the sign-flip test's: the bootstrap of so few is too sure."""
Images = Sequence[Mapping[str, Any]]
"""The images' entries of a metrics file."""


@dataclass(frozen=True)
class Difference:
    """One value of two sides."""

    name: str
    first: float
    """Mean over the first side's runs."""
    second: float
    spreads: tuple[float, float]
    """Standard deviations over the runs of each side; 0 for a single one."""
    interval: tuple[float, float]
    """95% confidence of second - first, over images."""
    p: float | None
    """Of the hypothesis that there is no difference, two-sided, for this value by itself; None for too few images."""

    @property
    def difference(self) -> float:
        """Second - first."""
        return self.second - self.first

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.difference == 0 and self.interval == (0, 0):
            return "same"
        if self.p is None:
            return "too few images"
        if self.p >= SIGNIFICANT:
            return "not significant"
        return "higher" if self.difference > 0 else "lower"


@dataclass(frozen=True)
class Side:
    """The runs of one setting, measured."""

    runs: Sequence[Images]
    context: Context
    statistics: dict[str, Statistic]
    """How each value is computed; of the first run, whose kind all share."""
    values: dict[str, list[float]]
    """By run."""
    resampled: dict[str, np.ndarray]
    """(resamples,) mean over the runs."""


def measure(runs: Sequence[Images], context: Context, draws: Draws) -> Side:
    """Measure every run of a side on the same resamples; ``runs`` have the same images in the same order."""
    found = [all_statistics(predictions_of(images, context)) for images in runs]
    names = [name for name in found[0] if all(name in statistics for statistics in found)]
    return Side(
        runs,
        context,
        found[0],
        {name: [value(statistics[name], draws.images) for statistics in found] for name in names},
        {name: np.mean([draws.of(statistics[name]) for statistics in found], axis=0) for name in names},
    )


def all_statistics(predictions: Predictions) -> dict[str, Statistic]:
    """Every value that can be computed from what is known of the predictions, by name."""
    found = (statistics_of(metric, predictions) for metric in every_metric())
    return {name: statistic for statistics in found for name, statistic in statistics.items()}


def compare_sides(first: Side, second: Side) -> list[Difference]:
    """Every value that both have, by paired resampling: both sides see the same images drawn (Koehn 2004)."""
    p = _p_values(first, second)
    return [_difference(first, second, name, p[name]) for name in p]


def _difference(first: Side, second: Side, name: str, p: float | None) -> Difference:
    mine, theirs = first.values[name], second.values[name]
    by = float(np.mean(theirs) - np.mean(mine))
    ends = interval(first.statistics[name], by, second.resampled[name] - first.resampled[name])
    return Difference(name, float(np.mean(mine)), float(np.mean(theirs)), (_spread(mine), _spread(theirs)), ends, p)


def _p_values(first: Side, second: Side) -> dict[str, float | None]:
    """Of every value that both have: from the bootstrap, or by sign flips where that cannot give any."""
    resampled = {name: second.resampled[name] - first.resampled[name] for name in first.values if name in second.values}
    images = len(first.runs[0])
    if images < FEWEST:
        return dict.fromkeys(resampled)
    flipped = [name for name, values in resampled.items() if images < FEW or not spreads(values)]
    found = _flipped(first, second, flipped) if flipped else {}
    by = {name: float(np.mean(second.values[name]) - np.mean(first.values[name])) for name in resampled}
    return {
        name: found[name] if name in found else p_value(first.statistics[name], by[name], values)
        for name, values in resampled.items()
    }


def _flipped(first: Side, second: Side, names: Sequence[str]) -> dict[str, float]:
    def statistics(images: Images) -> dict[str, Statistic]:
        return all_statistics(predictions_of(images, first.context))

    return sign_flip_p(first.runs, second.runs, names, statistics)


def _spread(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
