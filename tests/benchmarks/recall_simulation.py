"""False positives of the bootstrap and of McNemar's exact test between two runs whose R@1 does not differ.

A run finds an image by its rank; half of the images are found by both runs or by neither, the others independently.
"""

import argparse

import numpy as np

from clcap_cli.metrics.bootstrap import draw_resamples, p_value, varies
from clcap_cli.metrics.mcnemar import mcnemar_p_value
from clcap_cli.metrics.statistic import mean_of
from tests.benchmarks.markdown import markdown_table

HEADINGS = ("images", "R@1", "found by one run only", "bootstrap", "McNemar")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this table."""
    parser.add_argument("--images", type=int, nargs="+", default=[100, 200, 1000])
    parser.add_argument("--recalls", type=float, nargs="+", default=[0.02, 0.05, 0.2])
    parser.add_argument("--simulations", type=int, default=5000)


def table(given: argparse.Namespace) -> str:
    """The table as Markdown."""
    pairs = [(images, recall) for images in given.images for recall in given.recalls]
    rows = [[str(images), f"{recall:g}", *simulate(images, recall, given.simulations)] for images, recall in pairs]
    return markdown_table(HEADINGS, rows)


def simulate(images: int, recall: float, simulations: int) -> list[str]:
    """The mean number of images that only one run finds, and both tests' shares of p < 0.05."""
    rng = np.random.default_rng(1)
    resamples = draw_resamples(images, 0)
    found_by_one, bootstrap, exact = [], [], []
    for _ in range(simulations):
        first, second = _hits(rng, images, recall)
        (resampled,) = resamples.evaluate(mean_of(second - first))
        found_by_one.append(np.abs(second - first).sum())
        bootstrap.append(p_value(resampled, images) if varies(resampled) else 1.0)
        exact.append(mcnemar_p_value(first, second))
    shares = [f"{np.mean(np.array(p_values) < 0.05):.3f}" for p_values in (bootstrap, exact)]
    return [f"{np.mean(found_by_one):.1f}", *shares]


def _hits(rng: np.random.Generator, images: int, recall: float) -> np.ndarray:
    """(2, images) 1 where a run finds the image."""
    both, alone = rng.random(images) < recall, rng.random((2, images)) < recall
    return np.where(rng.random(images) < 0.5, both, alone).astype(float)
