"""The claims of docs/results/claims.json, tested on all data sets: one table in full and one in short."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clcap_cli.datasets.parsing import read_json
from clcap_cli.metrics.holm import holm_corrected
from clcap_cli.reporting.difference_text import p_text
from clcap_cli.reporting.metric_groups import metric_infos
from result_tables.difference import Difference
from result_tables.markdown import markdown_table
from result_tables.results import CLAIMS, Data

TESTED = """\
All {} differences that are claimed and have at least two seeds, with p of paired t-tests over seeds and after Holm's
correction for all of them. A claim holds if the corrected p is below 0.05, and in tendency if only
the uncorrected p is.
"""
HEADINGS = (
    *("Claim", "Data", "Captioner", "Metric"),
    *("Means", "Difference", "95% interval", "Seeds"),
    *("p", "p, Holm", "Verdict"),
)


@dataclass(frozen=True)
class Claim:
    """A claimed difference between two settings of a captioner in one metric on one data set."""

    text: str
    data: str
    captioner: str
    difference: Difference
    corrected: float | None = None
    """p after Holm's correction for all claims; None for a single seed."""

    @property
    def verdict(self) -> str:
        """Whether the claim holds."""
        return self.difference.verdict(self.corrected)

    def row(self) -> list[str]:
        """The cells of the table in full."""
        one = self.difference
        return [
            *(self.text, self.data, self.captioner, one.metric.heading),
            *(one.means(), one.mean(), one.interval(), str(len(one.pairs))),
            *(p_text(one.p_value), p_text(self.corrected), self.verdict),
        ]

    def finding(self) -> str:
        """Its part of a cell of the table in short."""
        one = self.difference
        return f"**{self.verdict}**: {one.metric.label} {one.means()} {one.interval()}".rstrip()


def tested_claims(data: Iterable[Data]) -> list[Claim]:
    """All claims that have results on test splits, by data set."""
    definitions = read_json(CLAIMS)
    tested = [one for one in data if one.split == "test"]
    found = [claim for one in tested for definition in definitions for claim in _claims(one, definition)]
    p_values = {number: p for number, claim in enumerate(found) if (p := claim.difference.p_value) is not None}
    corrected = holm_corrected(p_values)
    return [replace(claim, corrected=corrected.get(number)) for number, claim in enumerate(found)]


def _claims(data: Data, definition: Mapping[str, Any]) -> Iterator[Claim]:
    for captioner, rows in definition["rows"].items():
        for metric in metric_infos(definition["metrics"]):
            first, second = (data.values(row, metric.name) for row in rows)
            if first.keys() & second.keys():
                yield Claim(definition["claim"], data.title, captioner, Difference(metric, first, second))


def claims_in_full(claims: Sequence[Claim]) -> str:
    """A row for each difference, after a sentence on how they were tested."""
    tests = sum(claim.corrected is not None for claim in claims)
    table = markdown_table(HEADINGS, (claim.row() for claim in claims), ":---")
    return f"{TESTED.format(tests)}\n{table}\n"


def claims_in_short(claims: Sequence[Claim]) -> str:
    """A row for each claim and captioner, and a column for each data set."""
    data = list(dict.fromkeys(one.data for one in claims))
    return markdown_table(["Claim", "Captioner", *data], _short_rows(claims, data), ":---")


def _short_rows(claims: Sequence[Claim], data: Sequence[str]) -> Iterator[list[str]]:
    """The rows; of those of one claim, only the first has its text."""
    for text in dict.fromkeys(one.text for one in claims):
        of_claim = [one for one in claims if one.text == text]
        for number, captioner in enumerate(dict.fromkeys(one.captioner for one in of_claim)):
            found = [one for one in of_claim if one.captioner == captioner]
            yield ["" if number else text, captioner, *(_short_cell(found, name) for name in data)]


def _short_cell(claims: Iterable[Claim], data: str) -> str:
    return "; ".join(one.finding() for one in claims if one.data == data) or "-"
