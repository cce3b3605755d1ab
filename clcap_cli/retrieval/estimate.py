"""Self-retrieval estimated from a random sample of the captions, each ranked exactly among the whole pool."""

import numpy as np

from clcap_cli.artifacts.results import Estimate
from clcap_cli.compute.random_streams import random_generator
from clcap_cli.metrics.bootstrap import draw_resamples, values_and_intervals
from clcap_cli.retrieval.ranks import Ranks

MAX_FACTOR = 50
"""Largest number of times that a caption is drawn in a resample, on average; more would hardly narrow an interval."""


def draw_captions(images: int, count: int, seed: int) -> np.ndarray:
    """(images,) bool: the ``count`` images whose captions are ranked; a larger sample contains the smaller ones."""
    is_drawn = np.zeros(images, dtype=bool)
    is_drawn[random_generator(seed, "estimate").permutation(images)[:count]] = True
    return is_drawn


def estimate_from(ranks: Ranks, pool_size: int, captions: int, seed: int) -> Estimate:
    """The estimate of the values of all ``captions`` from the ``ranks`` of a random sample of them.

    Its intervals are those of the exact values, of all captions in these pools. The captions are drawn without
    replacement, so a mean over n of N varies like one over n (N - 1) / (N - n) that are drawn with replacement: each
    resample has as many.
    """
    count = len(ranks.better)
    drawn = min(count * (captions - 1) // (captions - count), MAX_FACTOR * count)
    _, intervals = values_and_intervals(ranks.statistics(pool_size), draw_resamples(count, seed, drawn=drawn))
    return Estimate(captions=count, of=captions, intervals=intervals)
