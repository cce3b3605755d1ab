"""Whether figures of two runs, or of several seeds of each, differ by more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clcap_cli.metrics.figures import Images, figures_of
from clcap_cli.metrics.resampling import Draws, Figure, interval, p_value, spreads, value
from clcap_cli.metrics.sign_flips import FEWEST, sign_flip_p

SIGNIFICANT = 0.05
FEW = 50
"""Images below which p is the sign-flip test's: the bootstrap of so few is too sure."""


@dataclass(frozen=True)
class Difference:
    """One figure of two sides."""

    name: str
    first: float
    """Mean over the first side's runs."""
    second: float
    spreads: tuple[float, float]
    """Standard deviations over the runs of each side; 0 for a single one."""
    interval: tuple[float, float]
    """95% confidence of second - first, over images."""
    p: float | None
    """Of the hypothesis that there is no difference, two-sided, for this figure by itself; None for too few images."""

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
    own_frequencies: bool
    figures: dict[str, Figure]
    """How each figure is computed; of the first run, whose kind all share."""
    values: dict[str, list[float]]
    """By run."""
    resampled: dict[str, np.ndarray]
    """(resamples,) mean over the runs."""


def measure(runs: Sequence[Images], own_frequencies: bool, draws: Draws) -> Side:
    """Measure every run of a side on the same resamples; ``runs`` have the same images in the same order."""
    found = [figures_of(images, own_frequencies) for images in runs]
    names = [name for name in found[0] if all(name in figures for figures in found)]
    return Side(
        runs,
        own_frequencies,
        found[0],
        {name: [value(figures[name], draws.images) for figures in found] for name in names},
        {name: np.mean([draws.of(figures[name]) for figures in found], axis=0) for name in names},
    )


def compare_sides(first: Side, second: Side) -> list[Difference]:
    """Every figure that both have, by paired resampling: both sides see the same images drawn (Koehn 2004)."""
    p = _p_values(first, second)
    return [_difference(first, second, name, p[name]) for name in p]


def _difference(first: Side, second: Side, name: str, p: float | None) -> Difference:
    mine, theirs = first.values[name], second.values[name]
    by = float(np.mean(theirs) - np.mean(mine))
    ends = interval(first.figures[name], by, second.resampled[name] - first.resampled[name])
    return Difference(name, float(np.mean(mine)), float(np.mean(theirs)), (_spread(mine), _spread(theirs)), ends, p)


def _p_values(first: Side, second: Side) -> dict[str, float | None]:
    """Of every figure that both have: from the bootstrap, or by sign flips where that cannot give any."""
    resampled = {name: second.resampled[name] - first.resampled[name] for name in first.values if name in second.values}
    images = len(first.runs[0])
    if images < FEWEST:
        return dict.fromkeys(resampled)
    flipped = [name for name, values in resampled.items() if images < FEW or not spreads(values)]
    found = sign_flip_p(first.runs, second.runs, flipped, first.own_frequencies) if flipped else {}
    by = {name: float(np.mean(second.values[name]) - np.mean(first.values[name])) for name in resampled}
    return {
        name: found[name] if name in found else p_value(first.figures[name], by[name], values)
        for name, values in resampled.items()
    }


def _spread(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
