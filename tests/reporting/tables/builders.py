"""Made-up tables of metrics."""

import random
from collections.abc import Sequence
from dataclasses import replace

from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.metric_groups import metric_infos
from clcap_cli.reporting.tables.columns import OF_PAPERS
from clcap_cli.reporting.tables.table import Cell, Table, build_table

SPREADS = {"interval": "[{low}, {high}]", "seeds": "± {deviation}", "none": ""}
HOSTILE = [
    "50%_$x$",
    "a&b#{}^~\\",
    "[bold]*x",
    "*star",
    "名🐕é λ=0.5 ß\u0301 −1",
    "-- `` '' <<>> |\" \x1b",
    "a_name_that_tells_every_setting_of_its_run_and_has_no_end_" + "0123456789" * 6,
]
"""Names with everything that LaTeX, a narrow column or a font may trip over."""


def made_up_table(
    names: Sequence[str], metrics: Sequence[str] = OF_PAPERS, spread: str = "interval", title: str = "Results"
) -> Table:
    """A table in which the last row is the best and most rows differ from the first, the baseline."""
    numbers = random.Random(0)
    columns = {
        metric: [_cell(metric, row, names, spread, numbers) for row in range(len(names))]
        for metric in metric_infos(metrics)
    }
    table = build_table(title, "run", names, columns)
    return replace(table, baseline=names[0], images="test split, 1,000 images")


def _cell(metric: MetricInfo, row: int, names: Sequence[str], spread: str, numbers: random.Random) -> Cell:
    value = numbers.uniform(2, 160) if "rank" in metric.name else numbers.uniform(0, 1.4)
    ends = {"low": value * 0.9, "high": value * 1.1, "deviation": value / 9}
    texts = {name: metric.formatted(number) for name, number in ends.items()}
    best = row > 0 and row == len(names) - 1
    significant, test = row > 0 and numbers.random() < 0.7, "paired bootstrap over images" if row else ""
    return Cell(value, metric.formatted(value), SPREADS[spread].format(**texts), best, significant, test)
