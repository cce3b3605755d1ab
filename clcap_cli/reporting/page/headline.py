"""The values at the top of a page without a comparison: those of one system."""

from collections.abc import Sequence
from dataclasses import dataclass

from clcap_cli.evaluation.compared_runs import ComparedRuns
from clcap_cli.evaluation.runs import Run
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.metric_groups import metric_infos
from clcap_cli.reporting.page.compared_systems import HEADLINE


@dataclass(frozen=True)
class HeadlineValue:
    """A value of the only system of a page."""

    metric: MetricInfo
    text: str
    spread: str
    """"[low, high]", "± deviation" or empty."""


def headline_values(runs: Sequence[Run], compared: ComparedRuns | None) -> list[HeadlineValue]:
    """The values of the only run with metrics, or the means of the only setting; empty for several systems."""
    measured = [run for run in runs if run.metrics]
    if len(measured) == 1:
        return [_of_run(measured[0], info) for info in _infos(list(measured[0].metrics))]
    if compared and len(compared.settings) == 1:
        return [_of_setting(compared, info) for info in _infos(list(compared.baseline.values))]
    return []


def _infos(names: Sequence[str]) -> list[MetricInfo]:
    infos = [info for info in metric_infos(names) if info.primary or info.name in HEADLINE]
    return sorted(infos, key=lambda info: not info.primary)


def _of_run(run: Run, info: MetricInfo) -> HeadlineValue:
    ends = run.intervals.get(info.name)
    interval = f"[{', '.join(map(info.formatted, ends))}]" if ends else ""
    return HeadlineValue(info, info.formatted(run.metrics[info.name]), interval)


def _of_setting(compared: ComparedRuns, info: MetricInfo) -> HeadlineValue:
    setting = compared.baseline
    return HeadlineValue(
        info, info.formatted(setting.mean(info.name)), f"± {setting.spread(info.name):.{info.decimals}f}"
    )
