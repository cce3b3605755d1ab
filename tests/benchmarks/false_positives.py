"""How often compare finds a difference over images between two systems that do not differ.

Each system has one of two human-written captions of an image, chosen at random.
"""

import argparse
from collections import defaultdict

import numpy as np

from clcap_cli.metrics.bootstrap import difference_interval, draw_resamples, estimate, p_value, varies
from tests.benchmarks.coco_sample import Population, population, scale_of_value
from tests.benchmarks.markdown import markdown_table

HEADINGS = ("Value", "Images", "p < 0.05", "p < 0.01", "0 outside of the interval")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this table."""
    parser.add_argument("--images", type=int, nargs="+", default=[200, 1000], help="images of a sample")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--population", type=int, default=20_000, help="images of the population")


def table(given: argparse.Namespace) -> str:
    """The table as Markdown."""
    drawn_from = population(given.population, captions_per_image=2)
    rows = []
    for images in given.images:
        for name, found in measure(drawn_from, images, given.samples).items():
            p, outside = np.array(found).T
            shares = np.mean(p < 0.05), np.mean(p < 0.01), np.mean(outside)
            rows.append([name, str(images), *(f"{share:.3f} ± {_error(share, len(p)):.3f}" for share in shares)])
    return markdown_table(HEADINGS, rows)


def _error(share: float, samples: int) -> float:
    return float(np.sqrt(share * (1 - share) / samples))


def measure(drawn_from: Population, images: int, samples: int) -> dict[str, list[tuple[float, bool]]]:
    """For each value, the p-value of each sample, and whether 0 lies outside of the interval of the difference."""
    found = defaultdict(list)
    resamples = draw_resamples(images, seed=0)
    for seed in range(samples):
        draw = np.random.default_rng(seed)
        rows, chosen = draw.choice(drawn_from.images, images, replace=False), draw.integers(0, 2, images)
        first, second = drawn_from.statistics(rows, chosen), drawn_from.statistics(rows, 1 - chosen)
        for name in first:
            scale = scale_of_value(name)
            sides = [
                estimate(one.value(images), resamples.evaluate(one)[0], images, scale, one.is_quantile)
                for one in (first[name], second[name])
            ]
            differences = sides[1].resampled - sides[0].resampled
            low, high = difference_interval(*sides)
            found[name].append((p_value(differences, images) if varies(differences) else 1.0, not low <= 0 <= high))
    return found
