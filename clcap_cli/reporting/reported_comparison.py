"""The comparison of a report's runs, which leaves out runs that cannot be compared instead of refusing them."""

from collections.abc import Sequence
from dataclasses import dataclass

from clcap_cli.datasets.records import ImageId, counted
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.comparability_warnings import comparability_warnings
from clcap_cli.evaluation.comparable_images import MIN_IMAGES, check_is_comparable
from clcap_cli.evaluation.compared_runs import ComparedRuns, baseline_first, compare_groups
from clcap_cli.evaluation.run_measurer import RunMeasurer
from clcap_cli.evaluation.runs import Run
from clcap_cli.evaluation.seed_groups import SeedGroup, group_by_setting
from clcap_cli.reporting.few_captions import few_captions_warnings


@dataclass(frozen=True)
class ReportedComparison:
    """The comparison of the runs that can be compared, and why others cannot."""

    compared: ComparedRuns | None
    """None for a single run, and if no run can be compared with the baseline."""
    warnings: list[str]
    """Sentences about values that cannot be compared, and about runs with few different captions."""


def compare_reported(
    runs: Sequence[Run], baseline: str | None = None, measurer: RunMeasurer | None = None
) -> ReportedComparison:
    """Compare the runs of a report that have metrics with the setting ``baseline``, by default the first.

    Raises InvalidValueError for an unknown baseline.
    """
    measured = [run for run in runs if run.metrics]
    if not measured:
        return ReportedComparison(None, [])
    groups = baseline_first(group_by_setting(measured), baseline)
    compared, reasons = compare_comparable(groups, measurer or RunMeasurer())
    warnings = [*comparability_warnings(measured, groups[0].runs[0]), *few_captions_warnings(measured)]
    return ReportedComparison(compared, [*warnings, *reasons])


def compare_comparable(groups: Sequence[SeedGroup], measurer: RunMeasurer) -> tuple[ComparedRuns | None, list[str]]:
    """Compare those of the settings that can be compared with the first, and say why others cannot.

    None if nothing is left to compare.
    """
    if _runs_of(groups) < 2:
        return None, []
    kept, reasons = _comparable(groups)
    nothing = kept[:1] != list(groups[:1]) or _runs_of(kept) < 2
    return None if nothing else compare_groups(kept, measurer), reasons


def _runs_of(groups: Sequence[SeedGroup]) -> int:
    return sum(len(group.runs) for group in groups)


def _comparable(groups: Sequence[SeedGroup]) -> tuple[list[SeedGroup], list[str]]:
    """The settings that can be compared, and a sentence for each other one."""
    kept, reasons = [], []
    common: set[ImageId] | None = None
    for group in groups:
        sets = [set(run.entries) for run in group.runs]
        ids = set.intersection(*sets, *([common] if common is not None else []))
        if problem := _problem(group, len(ids)):
            reasons.append(f"{group.name} is not compared: {problem}.")
        else:
            kept.append(group)
            common = ids
    return kept, reasons


def _problem(group: SeedGroup, common: int) -> str | None:
    """Why a setting cannot be compared over the ``common`` images that it shares with others; None if it can."""
    try:
        for run in group.runs:
            check_is_comparable(run)
    except ClcapError as error:
        return str(error)
    few = f"it has {counted(common, 'image')} in common with the others, and at least {MIN_IMAGES} are needed"
    return few if common < MIN_IMAGES else None
