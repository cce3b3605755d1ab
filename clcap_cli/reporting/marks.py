"""Marks in tables: which values differ significantly from the baseline, and which is the best."""

from collections.abc import Sequence
from dataclasses import dataclass

from clcap_cli.evaluation.compared_runs import ComparedRuns
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.difference_text import improvement


@dataclass(frozen=True)
class Mark:
    """The marks of one value."""

    best: bool = False
    """Whether it is the best of its column, and significantly so: better than the baseline or, for the baseline, better
    than all others."""
    significant: bool = False
    """Whether it differs significantly from the baseline."""


UNMARKED = Mark()


def setting_marks(compared: ComparedRuns, metric: MetricInfo) -> list[Mark]:
    """The marks of the settings' values of the metric, the baseline's first; human captions have none."""
    differences = [
        None if setting.is_human else comparison.metrics.get(metric.name)
        for setting, comparison in zip(compared.settings[1:], compared.comparisons, strict=True)
    ]
    best = _best(compared, metric)
    known = [one for one in differences if one]
    comparable = all(one.comparable for one in known)
    baseline = comparable and bool(known) and all(improvement(one, metric) == -1 for one in known)
    return [
        Mark(best=baseline),
        *(
            Mark(is_best and comparable and improvement(one, metric) == 1, one.significant) if one else UNMARKED
            for one, is_best in zip(differences, best[1:], strict=True)
        ),
    ]


def run_marks(compared: ComparedRuns | None, runs: Sequence[Run], metric: MetricInfo) -> list[Mark]:
    """The marks of single runs; none if settings have several, whose means are what is compared."""
    if compared and has_several_seeds(compared):
        return [UNMARKED] * len(runs)
    return row_marks(compared, [run.name for run in runs], metric)


def row_marks(compared: ComparedRuns | None, patterns: Sequence[str], metric: MetricInfo) -> list[Mark]:
    """The marks of settings with these patterns, over all images of their runs; none if fewer images were compared."""
    if compared is None or has_other_images(compared):
        return [UNMARKED] * len(patterns)
    marks = setting_marks(compared, metric)
    by_pattern = {setting.group.pattern: mark for setting, mark in zip(compared.settings, marks, strict=True)}
    return [by_pattern.get(pattern, UNMARKED) for pattern in patterns]


def has_several_seeds(compared: ComparedRuns) -> bool:
    """Whether a setting has several runs."""
    return any(len(setting.runs) > 1 for setting in compared.settings)


def has_other_images(compared: ComparedRuns) -> bool:
    """Whether a run has images that others lack, over which nothing is compared."""
    return any(len(run.entries) > compared.images for setting in compared.settings for run in setting.group.runs)


def _best(compared: ComparedRuns, metric: MetricInfo) -> list[bool]:
    """Whether, as formatted, no setting has a better value."""
    means = [
        setting.mean(metric.name) if metric.name in setting.values and not setting.is_human else None
        for setting in compared.settings
    ]
    known = [mean for mean in means if mean is not None]
    if not known:
        return [False] * len(means)
    best = metric.formatted(max(known, key=lambda mean: metric.direction * mean))
    return [mean is not None and metric.formatted(mean) == best for mean in means]
