"""Several settings and their primary metrics as one table that fits a terminal."""

from collections.abc import Sequence

from clcap_cli.evaluation.compared_runs import ComparedRuns, ComparedSetting
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.marks import Mark, setting_marks
from clcap_cli.reporting.metric_groups import metric_infos

NAME_WIDTH = 30
"""Width of the column of settings; a longer name has a line of its own."""
DAGGER = "† evaluated differently, so not comparable with the first row; see below"


def overview_lines(compared: ComparedRuns) -> list[str]:
    """A row for each setting, the baseline first; signs are those of all tables.

    Empty without primary metrics.
    """
    primary = {name for comparison in compared.comparisons for name, one in comparison.metrics.items() if one.primary}
    columns = [_column(compared, info) for info in metric_infos(compared.baseline.values) if info.name in primary]
    names = _aligned([setting.name for setting in compared.settings])
    rows = zip(names, *columns, strict=True) if columns else ()
    lines = [line for row in rows for line in "".join(row).rstrip().split("\n")]
    has_dagger = any("†" in text for column in columns for text in column)
    return [*lines, *([DAGGER] if has_dagger else [])]


def _aligned(names: Sequence[str]) -> list[str]:
    """An empty head and the names, in the same width."""
    width = min(NAME_WIDTH, max(map(len, names)))
    return [" " * width, *(f"{name:<{width}}" if len(name) <= width else f"{name}\n{' ' * width}" for name in names)]


def _column(compared: ComparedRuns, info: MetricInfo) -> list[str]:
    marks = setting_marks(compared, info)
    texts = [_text(setting, info, mark) for setting, mark in zip(compared.settings, marks, strict=True)]
    width = max(map(len, [info.name, *texts])) + 2
    return [f"{info.name:>{width - 1}} ", *(f"{text:>{width}}" for text in texts)]


def _text(setting: ComparedSetting, info: MetricInfo, mark: Mark) -> str:
    """The value and its mark or a space, so that digits are aligned."""
    value = info.formatted(setting.mean(info.name)) if info.name in setting.values else "-"
    return f"{value}{mark.sign or ' '}"
