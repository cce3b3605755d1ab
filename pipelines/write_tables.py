"""Write docs/tables.md from the metrics in docs/results.

Usage: python pipelines/write_tables.py [OUT.md]

docs/results/claims.json lists the claims that are tested, tables.json the tables, and every other file there has the
runs of one data set, which collect_results.py wrote.
"""

import json
import re
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import t as student_t

from clcap_cli.metrics.holm import holm_corrected
from clcap_cli.metrics.metric import MetricInfo
from clcap_cli.metrics.seed_test import seed_test
from clcap_cli.reporting.difference_text import p_text, signed_text
from clcap_cli.reporting.metric_groups import metric_infos

HERE = Path(__file__).parent
RESULTS = HERE.parent / "docs" / "results"
OUT = HERE.parent / "docs" / "tables.md"
SIGNIFICANT = 0.05
SEED = re.compile(r"(?<=_)\d+|$")
"""The seed in the name of a run; empty if it has none."""
INTRODUCTION = """# Tables of the experiments

All results of the [experiments](experiments.md): means ± standard deviations over seeds; the number of seeds is in
parentheses. This page is written by `python pipelines/write_tables.py` from the metrics of every run, which are in
[docs/results](https://github.com/clcap/clcap/tree/main/docs/results).
"""
CLAIMS_HEAD = """\
| Claim | Data | Captioner | Metric | Means | Difference | 95% interval | Seeds | p | p, Holm | Verdict |
|---|---|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Data:
    """The runs on one data set."""

    name: str
    title: str
    description: str
    runs: Mapping[str, Mapping[str, Any]]
    split: str = "test"
    """Claims are tested on the test split only."""
    tables: Sequence[str] | None = None
    """Names of the tables in tables.json that are shown; None for all."""

    def values(self, pattern: str, metric: str) -> dict[str, float]:
        """The values of the runs that match the pattern, by seed ("" for a run without one)."""
        found: dict[str, float] = {}
        for name, run in self.runs.items():
            seed = SEED.search(name)[0]
            if pattern.replace("{seed}", seed) == name and metric in run["metrics"]:
                found[seed] = run["metrics"][metric]
        return found


@dataclass(frozen=True)
class Difference:
    """A claimed difference between two rows in one metric on one data set."""

    claim: str
    data: str
    rows: str
    metric: MetricInfo
    first: Mapping[str, float]
    second: Mapping[str, float]

    @property
    def pairs(self) -> list[tuple[float, float]]:
        """The values of both rows for each seed that both have."""
        return [(self.first[seed], self.second[seed]) for seed in self.first if seed in self.second]

    @property
    def differences(self) -> list[float]:
        """The second row's value minus that of the first, for each seed of both."""
        return [second - first for first, second in self.pairs]

    @property
    def p_value(self) -> float | None:
        """p of the paired t-test over seeds; None for a single seed."""
        numbers = range(len(self.pairs))
        test = seed_test(numbers, numbers)
        return test and test.p_value(*zip(*self.pairs, strict=True))

    def interval(self) -> str:
        """The 95% interval of the mean difference over seeds."""
        values = self.differences
        if len(values) < 2:
            return ""
        half = student_t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
        mean = statistics.fmean(values)
        return f"{signed_text(mean - half, self.metric)} to {signed_text(mean + half, self.metric)}"

    def verdict(self, corrected: float | None) -> str:
        """By p and the corrected p: holds, in tendency, the opposite (in tendency), or not seen."""
        p = self.p_value
        if p is None or corrected is None or p >= SIGNIFICANT:
            return "not seen"
        better = statistics.fmean(self.differences) * self.metric.direction > 0
        if corrected < SIGNIFICANT:
            return "holds" if better else "the opposite"
        return "in tendency" if better else "the opposite, in tendency"

    def row(self, corrected: float | None) -> str:
        """The line of the table of claims."""
        means = (self.metric.formatted(statistics.fmean(values)) for values in zip(*self.pairs, strict=True))
        p_values = map(p_text, (self.p_value, corrected))
        mean = signed_text(statistics.fmean(self.differences), self.metric)
        cells = [self.claim, self.data, self.rows, self.metric.heading, " → ".join(means), mean, self.interval()]
        return _line([*cells, str(len(self.differences)), *p_values, self.verdict(corrected)])


def read(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def all_data() -> list[Data]:
    """The data sets with results, in the order of their files."""
    files = sorted(path for path in RESULTS.glob("*.json") if path.name != "claims.json")
    return [Data(path.stem, **read(path)) for path in files]


def page() -> str:
    """The whole page."""
    tables = read(HERE / "tables.json")
    data = all_data()
    parts = [INTRODUCTION, *_claims(data, read(RESULTS / "claims.json"))]
    for one in data:
        parts += [f"## {one.title}\n", one.description + "\n"]
        shown = [table for table in tables if one.tables is None or table["name"] in one.tables]
        parts += [text for table in shown if (text := _table(one, table))]
    return "\n".join(parts)


def _claims(data: Iterable[Data], claims: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    found = [
        difference for one in data if one.split == "test" for claim in claims for difference in _differences(one, claim)
    ]
    p_values = {number: p for number, one in enumerate(found) if (p := one.p_value) is not None}
    corrected = holm_corrected(p_values)
    yield "## Claims\n"
    yield (
        f"All {len(p_values)} differences that are claimed and have at least two seeds, with p of paired t-tests over "
        "seeds and after Holm's correction for all of them. A claim holds if the corrected p is below 0.05, and in "
        "tendency if only the uncorrected p is.\n"
    )
    yield CLAIMS_HEAD
    yield from (one.row(corrected.get(number)) for number, one in enumerate(found))
    yield ""


def _differences(data: Data, claim: Mapping[str, Any]) -> Iterator[Difference]:
    for label, (first, second) in claim["rows"].items():
        for metric in metric_infos(claim["metrics"]):
            values = [data.values(row, metric.name) for row in (first, second)]
            if values[0].keys() & values[1].keys():
                yield Difference(claim["claim"], data.title, label, metric, *values)


def _table(data: Data, table: Mapping[str, Any]) -> str:
    """A table with those rows and metrics that have values; empty unless more than half of its rows do."""
    metrics = [
        info
        for info in metric_infos(table["metrics"])
        if any(data.values(row, info.name) for row in table["rows"].values())
    ]
    rows = {
        label: pattern for label, pattern in table["rows"].items() if metrics and data.values(pattern, metrics[0].name)
    }
    if 2 * len(rows) <= len(table["rows"]):
        return ""
    head = ["Model", *(metric.heading for metric in metrics)]
    lines = [_line(head), "|:---" + "|---:" * len(metrics) + "|"]
    for label, pattern in rows.items():
        seeds = len(data.values(pattern, metrics[0].name))
        lines.append(
            _line([f"{label} ({seeds})", *(_cell(metric, data.values(pattern, metric.name)) for metric in metrics)])
        )
    return "\n".join([f"**{table['title']}**", "", *lines, ""])


def _cell(metric: MetricInfo, values: Mapping[str, float]) -> str:
    numbers = [float(value) for value in values.values()]
    if not numbers:
        return ""
    spread = f" ± {metric.formatted(statistics.stdev(numbers))}" if len(numbers) > 1 else ""
    return metric.formatted(statistics.fmean(numbers)) + spread


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else OUT).write_text(page(), encoding="utf-8")
