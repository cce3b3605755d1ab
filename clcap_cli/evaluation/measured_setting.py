"""The values of a setting, which has one run or runs of several seeds, and their uncertainty over images."""

from collections.abc import Container, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clcap_cli.metrics.bootstrap import Estimate, Resamples, estimate
from clcap_cli.metrics.multiple_captions import reported_statistics
from clcap_cli.metrics.permutation_test import ImageEntries
from clcap_cli.metrics.predictions import Context, Predictions, predictions_from_entries
from clcap_cli.metrics.registry import all_metrics, metric_named, scale_of
from clcap_cli.metrics.scale import Scale
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


@dataclass(frozen=True)
class MeasuredRun:
    """The values of one run."""

    images: ImageEntries
    values: dict[str, float]
    resampled: dict[str, np.ndarray]
    """(resamples,) values over resampled images, by name, of the values that have valid intervals."""
    quantiles: frozenset[str]
    """Names of the values that are quantiles."""
    scales: dict[str, Scale]
    """The range of each value, by name."""


def measure_run(images: ImageEntries, context: Context, resamples: Resamples) -> MeasuredRun:
    """Measure a run on the resamples of its images."""
    statistics = all_statistics(predictions_from_entries(images, context))
    chosen = {name: statistic for name, statistic in statistics.items() if statistic.is_comparable}
    return MeasuredRun(
        images,
        {name: statistic.value(resamples.images) for name, statistic in statistics.items()},
        dict(zip(chosen, resamples.evaluate(*chosen.values()), strict=True)),
        frozenset(name for name, statistic in statistics.items() if statistic.is_quantile),
        {name: statistic.scale or scale_of(name) for name, statistic in statistics.items()},
    )


def measure_setting(runs: Sequence[MeasuredRun], seeds: Sequence[Hashable], context: Context) -> MeasuredSetting:
    """The setting of these runs, which have the same images in the same order and were measured on the same resamples.

    It has the values that all runs have.
    """
    names = [name for name in runs[0].values if all(name in run.values for run in runs)]
    return MeasuredSetting(
        [run.images for run in runs],
        seeds,
        context,
        {name: [run.values[name] for run in runs] for name in names},
        {name: _mean_estimate(name, runs) for name in names if name in runs[0].resampled},
    )


def _mean_estimate(name: str, runs: Sequence[MeasuredRun]) -> Estimate:
    """The mean over the runs of the value ``name``."""
    value = float(np.mean([run.values[name] for run in runs]))
    resampled = np.mean([run.resampled[name] for run in runs], axis=0)
    first = runs[0]
    return estimate(value, resampled, len(first.images), first.scales[name], name in first.quantiles)


def all_statistics(predictions: Predictions) -> dict[str, Statistic]:
    """The statistics of all metrics whose columns the predictions have, by value name; without texts only of ranks."""
    metrics = all_metrics() if predictions.captions else [metric_named("self-retrieval")]
    by_metric = (reported_statistics(metric, predictions) for metric in metrics)
    return {name: statistic for statistics in by_metric for name, statistic in statistics.items()}
