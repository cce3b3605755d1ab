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
ONE_SIDED = 0.05
"""Probability of a one-sided limit."""
ROUNDING = 0.0005
"""Distance to an end of the scale below which a value counts as that end."""
Interval = tuple[float, float]


def score_interval(value: float, resampled: np.ndarray, images: int, scale: Scale) -> Interval:
    """The 95% interval of a value over ``images`` images, from the variance of its resampled values (resamples,).

    Images that are all alike give no variance. The interval then allows for the largest share of other images that is
    compatible with seeing none (Wilson's limit), whose values may be anywhere on the scale.
    """
    from scipy.special import stdtrit

    low, high = scale.ends(images)
    squared_quantile = float(stdtrit(images - 1, PROBABILITY)) ** 2
    variance = float(np.var(resampled)) * images / (images - 1)
    if low is None:
        return _without_low_end(value, high, variance, squared_quantile)
    if high is not None and _all_alike(np.append(resampled, value), low, high):
        share = squared_quantile / (images + squared_quantile)
        return value - share * (value - low), value + share * (high - value)
    return _between_ends(value, low, inf if high is None else high, variance, squared_quantile)


def _all_alike(values: np.ndarray, low: float, high: float) -> bool:
    at_one_end = values.max() < low + ROUNDING or values.min() > high - ROUNDING
    return bool(at_one_end or np.ptp(values) <= 1e-9 * (high - low))


def _without_low_end(value: float, high: float | None, variance: float, squared_quantile: float) -> Interval:
    """The interval on a scale without a low end: the mirror image, or symmetric if there is no high end either."""
    if high is None:
        reach = sqrt(squared_quantile * variance)
        return value - reach, value + reach
    first, last = _between_ends(-value, -high, inf, variance, squared_quantile)
    return -last, -first


def _between_ends(value: float, low: float, high: float, variance: float, squared_quantile: float) -> Interval:
    """The solutions x of (x - value)² = squared quantile · variance · v(x) / v(value).

    v(x) = (x - low) · (1 - (x - low) / (high - low)) is the variance of the value at x, up to a factor.
    """
    length, distance = high - low, value - low
    product = distance * (1 - distance / length)
    if product <= 0 or variance == 0:
        return value, value
    ratio = squared_quantile * variance / product
    middle, reach = distance + ratio / 2, sqrt(ratio) * sqrt(ratio / 4 + product)
    first, last = ((middle + side * reach) / (1 + ratio / length) for side in (-1, 1))
    first = min(first, _fewer_events(distance, variance))
    last = max(last, length - _fewer_events(length - distance, variance)) if high < inf else last
    return max(low, min(low + first, value)), min(high, max(low + last, value))


def _fewer_events(distance: float, variance: float) -> float:
    """The 5% limit of the distance to an end of the scale, if rare events of equal size add up to it (Poisson).

    For less than ten events, Wilson's limit is too close to the value (Brown et al. 2001). Values of that few events
    have intervals that hardly miss on the other side, so a one-sided limit is enough.
    """
    from scipy.special import gammaincinv

    return float(gammaincinv(distance**2 / variance, ONE_SIDED)) * variance / distance
