"""Tables of runs as text, Markdown, LaTeX and CSV."""

import io

import pandas as pd
import pytest
from rich.console import Console

from clcap_cli.evaluation.runs import Run, open_runs
from clcap_cli.reporting.tables.csv import as_csv
from clcap_cli.reporting.tables.markdown import as_markdown
from clcap_cli.reporting.tables.table import run_tables
from clcap_cli.reporting.tables.terminal import as_text
from tests.reporting.conftest import image

FIRST = {"R@10": 0.5, "R@5": 0.25, "mean_rank": 23.83, "CIDEr": 1.04, "BLEU-4": 0.5482, "mine": 3, "images": 2}
SECOND = {"R@10": 0.5, "R@5": 0.5, "mean_rank": 17.8, "CIDEr": 0.9, "BLEU-4": 0.5478, "images": 2}


def two_runs(write, first: str = "nt", second: str = "nt_cl") -> list[Run]:
    images = [image(1, "a dog"), image(2, "a cat")]
    bounds = {"CIDEr": [0.99, 1.1]}
    return open_runs(
        [
            write(f"{first}.metrics.json", images, FIRST, intervals=bounds),
            write(f"{second}.metrics.json", images, SECOND),
        ]
    )


def test_metrics_are_grouped_with_unknown_ones_last(write) -> None:
    actual = {table.title: [metric.name for metric in table.metrics] for table in run_tables(two_runs(write))}
    assert actual == {
        "Self-retrieval": ["R@5", "R@10", "mean_rank"],
        "Against the references": ["BLEU-4", "CIDEr"],
        "Other metrics": ["mine", "images"],
    }


def test_csv_has_values_and_interval_bounds(write) -> None:
    table = pd.read_csv(io.StringIO(as_csv(two_runs(write))), index_col="run")
    assert list(table.columns) == [
        "R@5", "R@10", "mean_rank", "BLEU-4", "CIDEr", "CIDEr_low", "CIDEr_high", "mine", "images",
    ]  # fmt: skip
    assert table.loc["nt", ["CIDEr", "CIDEr_low", "CIDEr_high"]].tolist() == [1.04, 0.99, 1.1]
    assert table.loc["nt_cl", "BLEU-4"] == 0.5478
    assert table.loc["nt_cl", ["CIDEr_low", "mine"]].isna().all()


def test_csv_has_means_over_seeds(write) -> None:
    values = {"a_1": 1.0, "a_2": 2.0, "=b": 5.0}
    runs = open_runs(
        [write(f"{name}.metrics.json", [image(1, "a dog")], {"CIDEr": value}) for name, value in values.items()]
    )
    table = pd.read_csv(io.StringIO(as_csv(runs, settings={"a_{seed}": runs[:2], "=b": runs[2:], "=c": runs[1:]})))
    assert list(table.columns) == ["run", "seeds", "CIDEr", "CIDEr_sd"]
    assert table["run"].tolist() == ["a_1", "a_2", "'=b", "a_{seed}", "'=c"]
    assert table["seeds"].tolist() == [1, 1, 1, 2, 2]
    means = table[table.seeds > 1].set_index("run")
    assert means["CIDEr"].tolist() == [1.5, 3.5]
    assert means["CIDEr_sd"].tolist() == pytest.approx([0.5**0.5, 4.5**0.5])
    assert table["CIDEr_sd"][:3].isna().all()


def test_names_of_runs_do_not_act_in_markdown(write) -> None:
    text = as_markdown(run_tables(two_runs(write, "[x](javascript:y)<b>`", "a\x1b[31m\u202eb")))
    assert "| [x\\](javascript:y)\\<b>\\` |" in text
    assert "| a\\\\x1b[31m\\\\u202eb |" in text
    text = as_markdown(run_tables(two_runs(write, "_nt_cl_ *b* $x$ ~~y~~", "c")))
    assert "| \\_nt_cl_ \\*b\\* \\$x\\$ \\~\\~y\\~\\~ |" in text


def test_runs_as_markdown(write) -> None:
    text = as_markdown(run_tables(two_runs(write, "a|b", "c")))
    start = text.index("**Against the references**")
    assert text[start:].split("\n\n")[1:3] == [
        "| Run | BLEU-4 ↑ | CIDEr ↑ |\n|:---|---:|---:|\n"
        "| a\\|b | 0.548 | 1.040 [0.990, 1.100] |\n| c | 0.548 | 0.900 |",
        "2 images. [low, high]: 95% confidence interval over images.",
    ]


def test_runs_as_text(write) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(as_text(run_tables(two_runs(write, "[bold]nt"))))
    lines = console.export_text().splitlines()
    assert lines[1].split() == ["┃", "┃", "[bold]nt", "┃", "nt_cl", "┃"]
    (cider,) = [line for line in lines if "CIDEr" in line]
    assert [cell.strip() for cell in cider.split("│")] == ["", "CIDEr ↑", "1.040 [0.990, 1.100]", "0.900", ""]
    assert lines[-1].strip() == "2 images. [low, high]: 95% confidence interval over images."
