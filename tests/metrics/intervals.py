"""The interval of one value, as evaluate computes those of all values."""

from clcap_cli.metrics.bootstrap import Resamples, estimate
from clcap_cli.metrics.scale import Scale
from clcap_cli.metrics.score_interval import Interval
from clcap_cli.metrics.statistic import Statistic


def confidence_interval(statistic: Statistic, scale: Scale, resamples: Resamples) -> Interval:
    """The 95% confidence interval of a statistic with values on ``scale``."""
    (resampled,) = resamples.evaluate(statistic)
    images = resamples.images
    return estimate(statistic.value(images), resampled, images, scale, statistic.is_quantile).interval
