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

    Where the value and all resampled values lie at the same end of the scale, the variance is unknown; the interval is
    then Wilson's for a share of none or all of the images.
    """
    low, high = scale.ends(images)
    if low is None and high is not None:
        below, above = score_interval(-value, -resampled, images, Scale(-high))
        return -above, -below
    squared_quantile = _squared_quantile(images)
    spread = squared_quantile * float(np.var(resampled)) * images / (images - 1)
    if low is None:
        return value - sqrt(spread), value + sqrt(spread)
    high = inf if high is None else high
    if _at_one_end(np.append(resampled, value), low, high):
        return _between_ends(value, low, high, (high - low) * squared_quantile / images)
    product = (value - low) * (1 - (value - low) / (high - low))
    return _between_ends(value, low, high, spread / product if product > 0 else 0.0)


def _squared_quantile(images: int) -> float:
    """The square of the quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(images - 1, PROBABILITY)) ** 2


def _at_one_end(values: np.ndarray, low: float, high: float) -> bool:
    return high < inf and bool(values.max() < low + ROUNDING or values.min() > high - ROUNDING)


def _between_ends(value: float, low: float, high: float, ratio: float) -> Interval:
    """The solutions x of (x - value)² = ratio · (x - low) · (1 - (x - low) / (high - low))."""
    length, distance = high - low, value - low
    middle = distance + ratio / 2
    reach = sqrt(ratio) * sqrt(max(0.0, ratio / 4 + distance * (1 - distance / length)))
    first, last = (low + (middle + side * reach) / (1 + ratio / length) for side in (-1, 1))
    return max(low, min(first, value)), min(high, max(last, value))
