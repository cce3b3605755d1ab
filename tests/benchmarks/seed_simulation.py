"""False positives of compare's p-values between two settings that do not differ, with 1 to 10 seeds each.

A run's value of an image is the image's mean, the run's noise on this image, and the effect of the run's seed. The
standard deviation of the seeds' effect is given in standard errors of a run's value over images. Runs with the same
seed share half of the variance of the effect. A hit is a value below a threshold, so that its share is like R@1.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from scipy.stats import norm

from clcap_cli.artifacts.comparisons import MetricDifference
from clcap_cli.evaluation.comparison import compare_settings
from clcap_cli.evaluation.measured_setting import MeasuredSetting
from clcap_cli.metrics.bootstrap import Resamples, draw_resamples, estimate
from clcap_cli.metrics.predictions import Context
from clcap_cli.metrics.scale import UNLIMITED
from clcap_cli.metrics.statistic import mean_of
from tests.benchmarks.markdown import markdown_table

HEADINGS = ("value, seed effect", "images", "runs of each", "p over images", "paired t-test", "Welch's t-test")
HIT_RATE = 0.15
Effects = Callable[[np.random.Generator, int], np.ndarray]
Values = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]
"""(runs, images) values from the images' means (images,) and the runs' seed effects (runs,) in standard errors."""


def normal(rng: np.random.Generator, count: int) -> np.ndarray:
    """Effects with a normal distribution."""
    return rng.normal(size=count)


def skewed(rng: np.random.Generator, count: int) -> np.ndarray:
    """Effects with an exponential distribution, whose skewness is 2."""
    return rng.exponential(size=count) - 1


def scores(rng: np.random.Generator, images: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """Values whose mean is like CIDEr: skewed over images."""
    noise = rng.normal(size=(len(effects), len(images)))
    return np.exp(images) + noise + effects[:, None] / np.sqrt(len(images))


def hits(rng: np.random.Generator, images: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """Values of 0 or 1, whose mean is like R@1; runs agree on images to some degree."""
    error = np.sqrt(HIT_RATE * (1 - HIT_RATE) / len(images))
    rates = np.clip(HIT_RATE + effects * error, 0.001, 0.999)
    latent = (images + rng.normal(size=(len(effects), len(images)))) / np.sqrt(2)
    return (latent < norm.ppf(rates)[:, None]).astype(float)


KINDS: dict[str, Values] = {"mean": scores, "R@1": hits}
SHAPES: dict[str, Effects] = {"normal": normal, "skewed": skewed}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this table."""
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--simulations", type=int, default=5000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 3, 5, 10], help="runs of each setting")
    parser.add_argument("--effects", type=float, nargs="+", default=[1, 3], help="in standard errors over images")


def table(given: argparse.Namespace) -> str:
    """The table as Markdown."""
    rows = []
    for kind, values in KINDS.items():
        for shape, effects in SHAPES.items():
            for size in given.effects:
                for seeds in given.seeds:
                    shares = false_positives(values, effects, size, seeds, given.images, given.simulations)
                    rows.append([f"{kind}, {shape}, {size:g}", str(given.images), str(seeds), *shares])
    return markdown_table(HEADINGS, rows)


def false_positives(
    values: Values, effects: Effects, size: float, seeds: int, images: int, simulations: int
) -> list[str]:
    """Shares of p < 0.05: over images, over pairs of seeds, and over seeds without pairs."""
    resamples = draw_resamples(images, 0)
    rng = np.random.default_rng(1)
    simulate = partial(_difference, rng, values, effects, size, seeds, resamples)
    paired = [simulate(paired=True).p_seeds for _ in range(simulations if seeds > 1 else 0)]
    unpaired = [simulate(paired=False) for _ in range(simulations)]
    return [_share(p) for p in ([one.p_images for one in unpaired], paired, [one.p_seeds for one in unpaired])]


def _difference(
    rng: np.random.Generator,
    values: Values,
    effects: Effects,
    size: float,
    seeds: int,
    resamples: Resamples,
    paired: bool,
) -> MetricDifference:
    shared = effects(rng, seeds) * np.sqrt(0.5) if paired else None
    images = rng.normal(size=resamples.images)
    settings = []
    for first_seed in (0, 0 if paired else seeds):
        own = effects(rng, seeds)
        of_runs = size * (own if shared is None else shared + own * np.sqrt(0.5))
        settings.append(_setting(values(rng, images, of_runs), range(first_seed, first_seed + seeds), resamples))
    return compare_settings(settings[0], settings[1:])[0]["value"]


def _setting(values: np.ndarray, seeds: Sequence[int], resamples: Resamples) -> MeasuredSetting:
    (resampled,) = resamples.evaluate(mean_of(values.mean(0)))
    of_images = estimate(values.mean(), resampled, resamples.images, UNLIMITED, is_quantile=False)
    runs: list[list[dict]] = [[{}] * resamples.images] * len(values)
    return MeasuredSetting(runs, seeds, Context(), {"value": values.mean(1).tolist()}, {"value": of_images})


def _share(p_values: Sequence[float | None]) -> str:
    tested = [p for p in p_values if p is not None]
    return f"{np.mean(np.array(tested) < 0.05):.3f}" if tested else "-"
