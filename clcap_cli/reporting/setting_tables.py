"""Tables of compared settings: means over seeds, or values over the images that all runs have."""

from collections.abc import Sequence
from dataclasses import replace

from clcap_cli.evaluation.comparability import other_ranker
from clcap_cli.evaluation.compared_runs import ComparedRuns, ComparedSetting
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.marks import has_other_images, has_several_seeds, setting_marks
from clcap_cli.reporting.metric_groups import group_metrics
from clcap_cli.reporting.tables.images_of import images_of
from clcap_cli.reporting.tables.table import Cell, Table, build_cells, build_table, human_label, human_last

SPREAD = "mean ± sample standard deviation over seeds"


def setting_tables(compared: ComparedRuns | None) -> list[Table]:
    """Tables of all metrics, one row per setting; empty where the tables of single runs show the same values."""
    if compared is None or not (has_several_seeds(compared) or has_other_images(compared)):
        return []
    names = dict.fromkeys(name for setting in compared.settings for name in setting.values)
    images = images_of([run for setting in compared.settings for run in setting.group.runs])
    tables = [_table(title, infos, compared) for title, infos in group_metrics(names).items()]
    images = "" if has_other_images(compared) else images
    return [replace(table, note=_note(compared), images=images) for table in tables]


def _table(title: str, metrics: Sequence[MetricInfo], compared: ComparedRuns) -> Table:
    columns = {info: _cells(compared, info) for info in metrics}
    table = build_table(title, "setting", [one.name for one in compared.settings], columns, compared.baseline.name)
    human = [setting for setting in compared.settings if setting.is_human]
    return human_last(table, {one.name: human_label(one.name, other_ranker(one.group.runs[0])) for one in human})


def _note(compared: ComparedRuns) -> str:
    seeds = [SPREAD] if has_several_seeds(compared) else []
    return ", ".join(
        [*seeds, *([f"over the {compared.images} images in common"] if has_other_images(compared) else [])]
    )


def _cells(compared: ComparedRuns, metric: MetricInfo) -> list[Cell]:
    values = [_value(setting, metric) for setting in compared.settings]
    spreads = [_spread(setting, metric) for setting in compared.settings]
    return build_cells(metric, values, spreads, setting_marks(compared, metric))


def _value(setting: ComparedSetting, metric: MetricInfo) -> float | None:
    if metric.name not in setting.values:
        return None
    mean = setting.mean(metric.name)
    return int(mean) if metric.is_count and len(setting.runs) == 1 else mean


def _spread(setting: ComparedSetting, metric: MetricInfo) -> str:
    known = metric.name in setting.values and len(setting.runs) > 1
    return f"± {setting.spread(metric.name):.{metric.decimals}f}" if known else ""
