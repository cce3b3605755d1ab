"""Whether figures of two runs, or of several seeds of each, differ by more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clcap_cli.metrics.figures import Images, figures_of
from clcap_cli.metrics.resampling import Draws, Figure, interval, p_value, value

SIGNIFICANT = 0.05


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
    p: float
    """Of the hypothesis that there is no difference, two-sided, for this figure by itself."""

    @property
    def difference(self) -> float:
        """Second - first."""
        return self.second - self.first

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.difference == 0 and self.interval == (0, 0):
            return "same"
        if self.p >= SIGNIFICANT:
            return "not significant"
        return "higher" if self.difference > 0 else "lower"


@dataclass(frozen=True)
class Side:
    """The runs of one setting, measured."""

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
        found[0],
        {name: [value(figures[name], draws.images) for figures in found] for name in names},
        {name: np.mean([draws.of(figures[name]) for figures in found], axis=0) for name in names},
    )


def compare_sides(first: Side, second: Side) -> list[Difference]:
    """Every figure that both have, by paired resampling: both sides see the same images drawn (Koehn 2004)."""
    differences = []
    for name in first.values:
        if name not in second.values:
            continue
        mine, theirs = first.values[name], second.values[name]
        by = float(np.mean(theirs) - np.mean(mine))
        resampled = second.resampled[name] - first.resampled[name]
        figure = first.figures[name]
        differences.append(
            Difference(
                name,
                float(np.mean(mine)),
                float(np.mean(theirs)),
                (_spread(mine), _spread(theirs)),
                interval(figure, by, resampled),
                p_value(figure, by, resampled),
            )
        )
    return differences


def _spread(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
