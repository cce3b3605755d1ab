"""One column of a summary table."""

from pydantic import BaseModel

from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.reporting.difference_text import p_text
from clcap_cli.reporting.metric_groups import metric_infos
from result_tables.difference import Difference
from result_tables.markdown import mean_text
from result_tables.results import Data

SEEDS = "seeds"
"""In place of a metric: the number of runs."""


class Column(BaseModel, frozen=True, extra="forbid"):
    """A metric of the runs of each row."""

    metric: str
    run: str = "{row}"
    """Name of the runs: ``{row}`` stands for the row's part of it and ``{seed}`` for any seed."""
    minus: str = ""
    """Name of other runs; with it, the column has the mean difference from them, its 95% interval and p; nothing in
    the row of these runs."""
    data: str = ""
    """Data set; empty for that of the table."""
    heading: str = ""
    """Empty for that of the metric."""

    @property
    def info(self) -> MetricInfo:
        """The description of the metric."""
        return metric_infos([self.metric])[0]

    @property
    def title(self) -> str:
        """The heading on the page."""
        return self.heading or self.info.heading

    def cell(self, data: Data, row: str) -> str:
        """A row's cell; empty if it has no runs with the metric."""
        runs = self.run.replace("{row}", row)
        if self.metric == SEEDS:
            return str(len(data.metrics(runs)) or "")
        values = data.values(runs, self.metric)
        return self._difference(data, row, values) if self.minus else mean_text(self.info, values)

    def _difference(self, data: Data, row: str, values: dict[str, float]) -> str:
        others = data.values(self.minus.replace("{row}", row), self.metric)
        one = Difference(self.info, others, values)
        return f"{one.mean()} {one.interval()}, {p_text(one.p_value)}" if one.pairs and others != values else ""
