"""Score intervals: Wilson's (1927) interval of a share, for the values of any metric whose scale is known.

A score interval holds every value that is compatible with the observed one, given the standard deviation that the
observed one would then have. That deviation shrinks near an end of the scale: the variance is taken to be proportional
to the product of the distances to the ends, as that of a share is. So the interval never leaves the scale.
"""

from math import inf, sqrt

import numpy as np

from clcap_cli.metrics.scale import Scale

PROBABILITY = 0.975
"""Quantile of a two-sided 95% interval."""
ROUNDING = 0.0005
"""Distance to an end of the scale below which a value counts as that end."""
Interval = tuple[float, float]


def score_interval(value: float, resampled: np.ndarray, images: int, scale: Scale) -> Interval:
    """The 95% interval of a value over ``images`` images, from the variance of its resampled values (resamples,).

    Images that are all alike give no variance. The interval then allows for the largest share of other images that is
    compatible with seeing none (Wilson's limit), whose values may be anywhere on the scale.
    """
    low, high = scale.ends(images)
    squared_quantile = _squared_quantile(images)
    variance = squared_quantile * float(np.var(resampled)) * images / (images - 1)
    if low is None:
        return _below_end(value, high, variance)
    if high is not None and _all_alike(np.append(resampled, value), low, high):
        share = squared_quantile / (images + squared_quantile)
        return value - share * (value - low), value + share * (high - value)
    return _between_ends(value, low, inf if high is None else high, variance)


def _squared_quantile(images: int) -> float:
    """The square of the quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(images - 1, PROBABILITY)) ** 2


def _all_alike(values: np.ndarray, low: float, high: float) -> bool:
    at_one_end = values.max() < low + ROUNDING or values.min() > high - ROUNDING
    return bool(at_one_end or np.ptp(values) <= 1e-9 * (high - low))


def _below_end(value: float, high: float | None, variance: float) -> Interval:
    """The interval on a scale without a low end: the mirror image, or symmetric if there is no high end either."""
    if high is None:
        return value - sqrt(variance), value + sqrt(variance)
    first, last = _between_ends(-value, -high, inf, variance)
    return -last, -first


def _between_ends(value: float, low: float, high: float, variance: float) -> Interval:
    """The solutions x of (x - value)² = variance · v(x) / v(value).

    v(x) = (x - low) · (1 - (x - low) / (high - low)) is the variance of the value at x, up to a factor.
    """
    length, distance = high - low, value - low
    product = distance * (1 - distance / length)
    ratio = variance / product if product > 0 else 0.0
    middle, reach = distance + ratio / 2, sqrt(ratio) * sqrt(max(0.0, ratio / 4 + product))
    first, last = (low + (middle + side * reach) / (1 + ratio / length) for side in (-1, 1))
    return max(low, min(first, value)), min(high, max(last, value))
