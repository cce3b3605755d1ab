"""Marks in tables: which values differ significantly from the baseline, and which is the best."""

from collections.abc import Sequence
from dataclasses import dataclass

from clcap_cli.artifacts.comparisons import Comparison
from clcap_cli.evaluation.compared_runs import ComparedRuns
from clcap_cli.evaluation.differing_images import MIN_BOOTSTRAP_IMAGES
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.difference_text import improvement

SIGN_FLIPS = "sign-flip test over images"
BOOTSTRAP = f"paired bootstrap over images, or a sign-flip test where fewer than {MIN_BOOTSTRAP_IMAGES} differ"


@dataclass(frozen=True)
class Mark:
    """The marks of one value."""

    best: bool = False
    """Whether it is the best of its column, and significantly so: better than the baseline or, for the baseline, better
    than all others."""
    significant: bool = False
    """Whether it differs significantly from the baseline."""
    test: str = ""
    """The test of its difference from the baseline, such as "paired t-test over 3 seeds"; empty without a test."""
    evaluated: str = ""
    """How it was evaluated differently from the baseline, such as "pool 200 and 50"; empty if it is comparable."""

    @property
    def sign(self) -> str:
        """The sign after the value; empty without one."""
        return sign_of(self.significant, self.evaluated)


def sign_of(significant: bool, evaluated: str) -> str:
    """A dagger after values that were evaluated differently, a star after others that differ significantly."""
    return "†" if evaluated else "*" if significant else ""


UNMARKED = Mark()


def setting_marks(compared: ComparedRuns, metric: MetricInfo) -> list[Mark]:
    """The marks of the settings' values of the metric, the baseline's first; human captions are only compared."""
    differences = [comparison.metrics.get(metric.name) for comparison in compared.comparisons]
    tested = [
        one for one, setting in zip(differences, compared.settings[1:], strict=True) if one and not setting.is_human
    ]
    comparable = all(one.comparable for one in tested)
    baseline = comparable and bool(tested) and all(improvement(one, metric) == -1 for one in tested)
    best = [comparable and is_best for is_best in _best(compared, metric)]
    return [Mark(best=baseline), *(_mark(compared, number, metric, best[number]) for number in range(1, len(best)))]


def _mark(compared: ComparedRuns, number: int, metric: MetricInfo, best: bool) -> Mark:
    """The mark of the setting with this number."""
    setting, comparison = compared.settings[number], compared.comparisons[number - 1]
    evaluated = evaluated_differently(comparison).get(metric.name, "")
    one = comparison.metrics.get(metric.name)
    if one is None or setting.is_human:
        return Mark(evaluated=evaluated)
    is_tested = one.decisive_p(comparison.over_seeds) is not None
    test = decisive_test(comparison, compared.images) if is_tested else ""
    return Mark(best and improvement(one, metric) == 1, one.significant, test, evaluated)


def evaluated_differently(comparison: Comparison) -> dict[str, str]:
    """How metrics were evaluated differently in the two settings, by the names of these metrics."""
    found: dict[str, list[str]] = {}
    for line in comparison.run_differences.evaluation:
        name, _, how = line.partition(": ")
        found.setdefault(name, []).append(how)
    return {name: "; ".join(hows) for name, hows in found.items()}


def decisive_test(comparison: Comparison, images: int) -> str:
    """The test that decides what is significant, over seeds if both settings have several."""
    return comparison.seed_test or (BOOTSTRAP if images >= MIN_BOOTSTRAP_IMAGES else SIGN_FLIPS)


def run_marks(compared: ComparedRuns | None, runs: Sequence[Run], metric: MetricInfo) -> list[Mark]:
    """The marks of single runs; where settings have several, their means are compared and not their runs."""
    if compared is None:
        return [UNMARKED] * len(runs)
    patterns = {run: setting.group.pattern for setting in compared.settings for run in setting.runs}
    marks = row_marks(compared, [patterns.get(run.name, "") for run in runs], metric)
    return list(map(_not_compared, marks)) if has_several_seeds(compared) else marks


def row_marks(compared: ComparedRuns | None, patterns: Sequence[str], metric: MetricInfo) -> list[Mark]:
    """The marks of settings with these patterns, over all images of their runs, of which all must be compared."""
    if compared is None:
        return [UNMARKED] * len(patterns)
    marks = setting_marks(compared, metric)
    by_pattern = {setting.group.pattern: mark for setting, mark in zip(compared.settings, marks, strict=True)}
    found = [by_pattern.get(pattern, UNMARKED) for pattern in patterns]
    return list(map(_not_compared, found)) if has_other_images(compared) else found


def _not_compared(mark: Mark) -> Mark:
    return Mark(evaluated=mark.evaluated)


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
