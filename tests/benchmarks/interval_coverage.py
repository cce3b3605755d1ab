"""How often the 95% confidence interval of a value contains what it estimates.

Samples of images are drawn from the population, and each gets the intervals that evaluate computes. What they estimate
is the value that is expected of a sample of this size: its mean over all samples, or its median for a median.
"""

import argparse
from dataclasses import dataclass, field

import numpy as np

from clcap_cli.metrics.bootstrap import Estimate, draw_resamples, estimate
from tests.benchmarks.coco_sample import Population, population, scale_of_value
from tests.benchmarks.markdown import markdown_table

HEADINGS = ("Value", "Images", "Expected", "Coverage", "Too low", "Too high", "Width", "Offset")


@dataclass
class Intervals:
    """The intervals of one value in many samples."""

    is_quantile: bool
    values: list[float] = field(default_factory=list)
    ends: list[tuple[float, float]] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)
    """Mean of the resampled values minus the value, in standard deviations of the resampled values."""

    def add(self, found: Estimate) -> None:
        """Add the interval of another sample."""
        self.values.append(found.value)
        self.ends.append(found.interval)
        self.offsets.append((found.resampled.mean() - found.value) / max(found.resampled.std(), 1e-12))

    def cells(self) -> list[str]:
        """The expected value, the shares of the intervals that contain it or end too low or too high, and the rest."""
        expected = np.median(self.values) if self.is_quantile else np.mean(self.values)
        low, high = np.array(self.ends).T
        too_low, too_high = np.mean(high < expected), np.mean(low > expected)
        coverage = 1 - too_low - too_high
        error = np.sqrt(coverage * (1 - coverage) / len(low))
        shares = f"{coverage:.3f} ± {error:.3f}", f"{too_low:.3f}", f"{too_high:.3f}"
        return [f"{expected:.4g}", *shares, f"{np.mean(high - low):.2g}", f"{np.mean(self.offsets):+.2f}"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this table."""
    parser.add_argument("--images", type=int, nargs="+", default=[200, 1000], help="images of a sample")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--population", type=int, default=20_000, help="images of the population")
    parser.add_argument("--captions", type=int, nargs="+", default=[1, 2], help="predictions of an image")


def table(given: argparse.Namespace) -> str:
    """The table as Markdown."""
    rows = []
    for captions in given.captions:
        drawn_from = population(given.population, captions)
        for images in given.images:
            measured = measure(drawn_from, images, given.samples)
            rows += [[name, str(images), *intervals.cells()] for name, intervals in measured.items()]
    return markdown_table(HEADINGS, rows)


def measure(drawn_from: Population, images: int, samples: int) -> dict[str, Intervals]:
    """The intervals of all values in random samples without replacement: an image drawn twice would tie with itself."""
    found: dict[str, Intervals] = {}
    resamples = draw_resamples(images, seed=0)
    for seed in range(samples):
        rows = np.random.default_rng(seed).choice(drawn_from.images, images, replace=False)
        for name, statistic in drawn_from.statistics(rows).items():
            value, (resampled,) = statistic.value(images), resamples.evaluate(statistic)
            scale = scale_of_value(name)
            one = estimate(value, resampled, images, scale, statistic.is_quantile)
            found.setdefault(name, Intervals(statistic.is_quantile)).add(one)
    return found
