"""The page docs/tables.md: the claims in full, and the tables of tables.json for each data set."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clcap_cli.datasets.parsing import read_json
from clcap_cli.reporting.metric_groups import metric_infos
from result_tables.claims import Claim, claims_in_full
from result_tables.markdown import markdown_table, mean_text
from result_tables.results import PIPELINES, Data

INTRODUCTION = """# Tables of the experiments

All results of the [experiments](experiments.md): means ± standard deviations over seeds; the number of seeds is in
parentheses. This page is written by `python pipelines/write_tables.py` from the metrics of every run, which are in
[docs/results](https://github.com/clcap/clcap/tree/main/docs/results).
"""


def all_tables(data: Sequence[Data], claims: Sequence[Claim]) -> str:
    """The whole page."""
    tables = read_json(PIPELINES / "tables.json")
    sections = (part for one in data for part in _section(one, tables))
    return "\n".join([INTRODUCTION, "## Claims\n", claims_in_full(claims), *sections])


def _section(data: Data, tables: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"## {data.title}\n"
    yield data.description + "\n"
    for table in tables:
        if (data.tables is None or table["name"] in data.tables) and (text := _table(data, table)):
            yield text


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
    cells = [
        [
            f"{label} ({len(data.values(pattern, metrics[0].name))})",
            *(mean_text(metric, data.values(pattern, metric.name)) for metric in metrics),
        ]
        for label, pattern in rows.items()
    ]
    text = markdown_table(["Model", *(metric.heading for metric in metrics)], cells)
    return f"**{table['title']}**\n\n{text}\n"
