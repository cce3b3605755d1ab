"""Runs compared with a baseline: the only source of the differences that terminal, tables and page show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from clcap_cli.artifacts.comparisons import Comparison, MetricDifference, RunDifferences
from clcap_cli.artifacts.differing_settings import DifferingSetting
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import InvalidValueError, first_few
from clcap_cli.evaluation.comparability import as_lines, evaluation_differences
from clcap_cli.evaluation.comparable_images import common_ids
from clcap_cli.evaluation.comparison import compare_settings, shared_values
from clcap_cli.evaluation.human_captions import is_human
from clcap_cli.evaluation.measured_setting import MeasuredSetting
from clcap_cli.evaluation.run_measurer import RunMeasurer
from clcap_cli.evaluation.runs import Run
from clcap_cli.evaluation.seed_groups import SeedGroup, group_by_setting
from clcap_cli.evaluation.setting_patterns import group_by_pattern
from clcap_cli.evaluation.setting_words import IMAGES, as_line, differences_of
from clcap_cli.metrics.seed_test import seed_test


@dataclass(frozen=True)
class ComparedSetting:
    """A setting, which has one run or runs of several seeds, and its values over the common images."""

    group: SeedGroup
    measured: MeasuredSetting

    @property
    def name(self) -> str:
        """The name of its run, or the pattern and the number of its runs."""
        return self.group.name

    @property
    def runs(self) -> list[str]:
        """The names of its runs."""
        return [run.name for run in self.group.runs]

    @cached_property
    def is_human(self) -> bool:
        """Whether its captions are human."""
        return is_human(self.group.runs[0])

    @property
    def values(self) -> dict[str, list[float]]:
        """The values of each run, by the name of the value."""
        return self.measured.values

    def mean(self, name: str) -> float:
        """The mean over the runs of the value ``name``."""
        return self.measured.mean(name)

    def spread(self, name: str) -> float:
        """The standard deviation over the runs of the value ``name``; 0 for a single run."""
        return self.measured.spread(name)


@dataclass(frozen=True)
class ComparedRuns:
    """Settings compared with the first of them, the baseline."""

    ids: list[ImageId]
    """The images that all runs have; values and tests are over these."""
    settings: list[ComparedSetting]
    """The baseline, then all other settings."""
    comparisons: list[Comparison]
    """The comparison of each other setting with the baseline."""
    differing_settings: list[DifferingSetting]
    """What the systems differ in besides their metrics, with a value for each of ``systems``."""

    @property
    def systems(self) -> list[ComparedSetting]:
        """The settings except human captions."""
        return [setting for setting in self.settings if not setting.is_human]

    @property
    def images(self) -> int:
        """The number of images that all runs have."""
        return len(self.ids)

    @property
    def baseline(self) -> ComparedSetting:
        """The setting that all others are compared with."""
        return self.settings[0]


def compare_runs(
    runs: Sequence[Run],
    patterns: Sequence[str] | None = None,
    baseline: str | None = None,
    measurer: RunMeasurer | None = None,
) -> ComparedRuns:
    """Compare settings of runs with one of them, by default with the first that is not of human captions.

    Runs form settings by ``patterns`` of their names or, without these, by what they record; ``baseline`` is the name
    of a setting or of one of its runs, and ``measurer`` resamples the images, by default 1,000 times.

    Raises ClcapError for runs that cannot be compared, InvalidValueError for an unknown baseline or a wrong pattern.
    """
    groups = group_by_pattern(runs, patterns) if patterns else group_by_setting(runs)
    return compare_groups(baseline_first(groups, baseline), measurer or RunMeasurer())


def baseline_first(groups: Sequence[SeedGroup], baseline: str | None) -> list[SeedGroup]:
    """The groups in their order, but that of the baseline first and human captions last.

    The baseline is by default the first group that is not of human captions.

    Raises InvalidValueError for a name that no group and no run has.
    """
    chosen = _default_baseline(groups) if baseline is None else _group_named(baseline, groups)
    others = [group for group in groups if group is not chosen]
    return [chosen, *sorted(others, key=lambda group: is_human(group.runs[0]))]


def _default_baseline(groups: Sequence[SeedGroup]) -> SeedGroup:
    return next((group for group in groups if not is_human(group.runs[0])), groups[0])


def _group_named(baseline: str, groups: Sequence[SeedGroup]) -> SeedGroup:
    by_name = {name: group for group in groups for name in _names(group)}
    if baseline not in by_name:
        names = first_few([group.pattern for group in groups])
        raise InvalidValueError("baseline", f"no run is called '{baseline}'; choose from {names}")
    return by_name[baseline]


def _names(group: SeedGroup) -> list[str]:
    return [group.name, group.pattern, *(run.name for run in group.runs)]


def compare_groups(groups: Sequence[SeedGroup], measurer: RunMeasurer) -> ComparedRuns:
    """Compare settings with the first of them.

    Raises ClcapError for runs without captions and ranks, and for fewer than two common images.
    """
    ids = common_ids([run for group in groups for run in group.runs])
    settings = [ComparedSetting(*pair) for pair in zip(groups, measurer.measure(groups, ids), strict=True)]
    systems = [group for group in groups if not is_human(group.runs[0])]
    return ComparedRuns(ids, settings, _comparisons(settings, ids), differences_of(systems, groups))


def _comparisons(settings: Sequence[ComparedSetting], ids: Sequence[ImageId]) -> list[Comparison]:
    """The comparison of each other setting with the first; human captions are corrected apart from the systems."""
    baseline, *others = settings
    apart = {other.name: _evaluation_differences(baseline, other, ids) for other in others}
    found: dict[str, dict[str, MetricDifference]] = {}
    for human in (False, True):
        family = [other for other in others if other.is_human == human]
        not_comparable = [apart[other.name] for other in family]
        metrics = compare_settings(baseline.measured, [other.measured for other in family], not_comparable)
        found |= {
            other.name: _unmarked(differences) if human else differences
            for other, differences in zip(family, metrics, strict=True)
        }
    groups = [setting.group for setting in settings]
    made_from = {other.name: _lines(baseline.group, other.group, groups, len(ids)) for other in others}
    return [_comparison(baseline, one, found[one.name], apart[one.name], made_from[one.name]) for one in others]


def _evaluation_differences(
    baseline: ComparedSetting, other: ComparedSetting, ids: Sequence[ImageId]
) -> dict[str, list[str]]:
    names = shared_values(baseline.measured, other.measured)
    return evaluation_differences(baseline.group.runs[0], other.group.runs[0], names, ids)


def _unmarked(differences: dict[str, MetricDifference]) -> dict[str, MetricDifference]:
    """The differences of human captions, with their tests, but none of them significantly higher or lower."""
    return {
        name: one.model_copy(update={"verdict": "human captions"}) if one.significant else one
        for name, one in differences.items()
    }


def _comparison(
    baseline: ComparedSetting,
    other: ComparedSetting,
    metrics: dict[str, MetricDifference],
    apart: Mapping[str, Sequence[str]],
    made_from: list[str],
) -> Comparison:
    test = seed_test(baseline.group.seeds, other.group.seeds)
    return Comparison(
        first=baseline.name,
        second=other.name,
        seed_test=test.name if test else None,
        metrics=metrics,
        only_in_first=[name for name in baseline.values if name not in metrics],
        only_in_second=[name for name in other.values if name not in metrics],
        run_differences=RunDifferences(
            evaluation=as_lines(apart),
            made_from=made_from,
        ),
    )


def _lines(first: SeedGroup, second: SeedGroup, groups: Sequence[SeedGroup], common: int) -> list[str]:
    """What two settings differ in, one line for each difference."""
    pair = [first, second]
    sizes = [len(group.runs[0].entries) for group in pair]
    images = f"images: {sizes[0]} and {sizes[1]} were scored; only the {common} in common are compared here"
    rows = [row for row in differences_of(pair, groups) if row.setting != IMAGES]
    names = [group.pattern for group in pair]
    return [*([images] if set(sizes) != {common} else []), *(as_line(row, names) for row in rows)]
