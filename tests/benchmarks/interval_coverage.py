"""How often the 95% confidence interval of a value contains what it estimates.

Samples of images are drawn from the population, and each gets the intervals that evaluate computes. What they estimate
is the value that is expected of a sample of this size: its mean over all samples, or its median for a median.
"""

import argparse
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from clcap_cli.metrics.bootstrap import confidence_interval, draw_resamples
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.metric_groups import metric_infos
from tests.benchmarks.coco_sample import RANKERS, Population, population
from tests.benchmarks.markdown import markdown_table

HEADINGS = ("value", "images", "expected", "coverage", "missed below", "missed above", "width", "offset")


@dataclass
class Intervals:
    """The intervals of one value in many samples."""

    is_median: bool
    values: list[float] = field(default_factory=list)
    ends: list[tuple[float, float]] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)
    """Mean of the resampled values minus the value, in standard deviations of the resampled values."""

    def cells(self) -> list[str]:
        """The expected value, how often the intervals contain it or lie on one side of it, their width, the offset."""
        expected = np.median(self.values) if self.is_median else np.mean(self.values)
        low, high = np.array(self.ends).T
        below, above = np.mean(high < expected), np.mean(low > expected)
        coverage = 1 - below - above
        error = np.sqrt(coverage * (1 - coverage) / len(low))
        shares = f"{coverage:.3f} ± {error:.3f}", f"{below:.3f}", f"{above:.3f}"
        return [f"{expected:.4g}", *shares, f"{np.mean(high - low):.2g}", f"{np.mean(self.offsets):+.2f}"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this table."""
    parser.add_argument("--images", type=int, nargs="+", default=[200, 1000], help="images in a sample")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--population", type=int, default=20_000, help="images")
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
    """The intervals of all values in random samples without replacement, since an image drawn twice would be a tie."""
    found: dict[str, Intervals] = {}
    for seed in range(samples):
        rows = np.random.default_rng(seed).choice(len(drawn_from.predictions.ids), images, replace=False)
        resamples = draw_resamples(images, seed)
        for name, statistic in drawn_from.sample(rows).items():
            if statistic.has_interval:
                intervals = found.setdefault(name, Intervals(statistic.is_quantile))
                resampled = resamples.evaluate(statistic)
                value = statistic.value(images)
                intervals.values.append(value)
                intervals.ends.append(confidence_interval(statistic, _info(name).scale, resamples))
                intervals.offsets.append((resampled.mean() - value) / max(resampled.std(), 1e-12))
    return found


@cache
def _info(name: str) -> MetricInfo:
    return metric_infos(
        [next((name.removesuffix(ending) for ending in RANKERS if ending and name.endswith(ending)), name)]
    )[0]
