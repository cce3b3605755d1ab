"""The metrics of all runs, which docs/results has in one file for each data set."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from clcap_cli.datasets.parsing import read_json

PIPELINES = Path(__file__).parents[1]
DOCS = PIPELINES.parent / "docs"
RESULTS = DOCS / "results"
CLAIMS = RESULTS / "claims.json"
SEED = re.compile(r"(?<=_)\d+|$")
"""The seed in the name of a run; empty if it has none."""


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

    @cached_property
    def _seeds(self) -> dict[str, str]:
        return {name: SEED.search(name)[0] for name in self.runs}  # type: ignore[index]  # it matches any name

    def metrics(self, pattern: str) -> dict[str, Mapping[str, float]]:
        """The metrics of the runs that match the pattern, by seed ("" for a run without one)."""
        return {
            seed: self.runs[name]["metrics"]
            for name, seed in self._seeds.items()
            if pattern.replace("{seed}", seed) == name
        }

    def values(self, pattern: str, metric: str) -> dict[str, float]:
        """The values of the runs that match the pattern and have the metric, by seed."""
        return {seed: metrics[metric] for seed, metrics in self.metrics(pattern).items() if metric in metrics}


def read_results() -> dict[str, Data]:
    """The data sets with results by name, in the order of their files."""
    files = sorted(path for path in RESULTS.glob("*.json") if path != CLAIMS)
    return {path.stem: Data(path.stem, **read_json(path)) for path in files}
