"""The values of a setting, which has one run or runs of several seeds, and their uncertainty over images."""

from collections.abc import Container, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clcap_cli.metrics.bootstrap import Estimate, Resamples, estimate
from clcap_cli.metrics.multiple_captions import reported_statistics
from clcap_cli.metrics.permutation_test import ImageEntries
from clcap_cli.metrics.predictions import Context, Predictions, predictions_from_entries
from clcap_cli.metrics.registry import all_metrics, metric_named, scale_of
from clcap_cli.metrics.statistic import Statistic


@dataclass(frozen=True)
class MeasuredSetting:
    """The runs of one setting and their values."""

    runs: Sequence[ImageEntries]
    seeds: Sequence[Hashable]
    """A different seed for each run; runs of two settings with the same seeds are compared in pairs."""
    context: Context
    values: dict[str, list[float]]
    """Values of each run, by name."""
    estimates: dict[str, Estimate]
    """Means over the runs, by name, of the values that have valid intervals."""

    def mean(self, name: str) -> float:
        """The mean over the runs of the value ``name``."""
        return float(np.mean(self.values[name]))

    def spread(self, name: str) -> float:
        """The standard deviation over the runs of the value ``name``; 0 for a single run."""
        values = self.values[name]
        return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0

    def only(self, names: Container[str]) -> "MeasuredSetting":
        """The setting with only the values ``names``."""
        values = {name: of_runs for name, of_runs in self.values.items() if name in names}
        estimates = {name: found for name, found in self.estimates.items() if name in names}
        return replace(self, values=values, estimates=estimates)


def measure_setting(
    runs: Sequence[ImageEntries], seeds: Sequence[Hashable], context: Context, resamples: Resamples
) -> MeasuredSetting:
    """Measure every run of a setting on the same resamples; the runs have the same images in the same order."""
    statistics = [all_statistics(predictions_from_entries(images, context)) for images in runs]
    names = [name for name in statistics[0] if all(name in of_run for of_run in statistics)]
    return MeasuredSetting(
        runs,
        seeds,
        context,
        {name: [of_run[name].value(resamples.images) for of_run in statistics] for name in names},
        {
            name: _mean_estimate(name, [of_run[name] for of_run in statistics], resamples)
            for name in names
            if statistics[0][name].is_comparable
        },
    )


def _mean_estimate(name: str, of_runs: Sequence[Statistic], resamples: Resamples) -> Estimate:
    """The mean over the runs of the value ``name``."""
    value = float(np.mean([statistic.value(resamples.images) for statistic in of_runs]))
    resampled = np.mean([resamples.evaluate(statistic) for statistic in of_runs], axis=0)
    return estimate(value, resampled, resamples.images, scale_of(name), of_runs[0].is_quantile)


def all_statistics(predictions: Predictions) -> dict[str, Statistic]:
    """The statistics of all metrics whose columns the predictions have, by value name; without texts only of ranks."""
    metrics = all_metrics() if predictions.captions else [metric_named("self-retrieval")]
    by_metric = (reported_statistics(metric, predictions) for metric in metrics)
    return {name: statistic for statistics in by_metric for name, statistic in statistics.items()}
