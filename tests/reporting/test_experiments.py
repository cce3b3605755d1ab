"""Tables of experiments: pooling of runs, means and deviations, marks of the best, and missing runs."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.experiments import Experiments, open_experiments
from clcap_cli.reporting.tables.latex import as_latex
from clcap_cli.reporting.tables.markdown import as_markdown
from clcap_cli.reporting.tables.table import Table
from clcap_cli.reporting.tables.terminal import as_text
from tests.reporting.conftest import image, scored_images
from tests.reporting.test_page import Elements, page_of

TEXTS = scored_images(CIDEr=(0.5, 0.5))
METRICS = {
    "nt_1": {"CIDEr": 0.1, "mean_rank": 9.0, "unique_captions": 4, "mine": 1.0},
    "nt_2": {"CIDEr": 0.2, "mean_rank": 8.0, "unique_captions": 5},
    "nt_13": {"CIDEr": 0.6, "mean_rank": 7.0, "unique_captions": 6},
    "nt_1_cl": {"CIDEr": 0.2, "mean_rank": 2.0, "unique_captions": 6},
    "nt_2_cl": {"CIDEr": 0.4, "mean_rank": 3.0, "unique_captions": 7},
    "nt_x_cl": {"CIDEr": 9.0},
}
TABLE = {
    "name": "main",
    "title": "MLE and CL",
    "metrics": ["mean_rank", "CIDEr", "unique_captions"],
    "rows": {"MLE": "nt_{seed}", "CL": "nt_{seed}_cl"},
}


@pytest.fixture
def experiments(write, tmp_path: Path) -> Callable[..., Experiments]:
    """Tables of runs with given metrics."""

    def experiments(tables: list, metrics: dict[str, dict] = METRICS) -> Experiments:
        path = tmp_path / "tables.json"
        path.write_text(json.dumps(tables))
        files = [write(f"{name}.metrics.json", TEXTS, found) for name, found in metrics.items()]
        return open_experiments(path, open_runs(files))

    return experiments


def cells(table: Table) -> dict[str, list[str]]:
    """The cells of each row as text, with * for the best."""
    return {
        name: [f"{cell.text}{'*' if cell.best else ''} {cell.spread}".strip() for cell in cells]
        for name, cells in table.rows
    }


def test_a_cell_is_the_mean_and_deviation_of_its_runs(experiments) -> None:
    (table,) = experiments([TABLE]).tables
    assert table.heading == "MLE and CL (mean ± sample standard deviation over seeds)"
    assert [metric.name for metric in table.metrics] == ["mean_rank", "CIDEr", "unique_captions"]
    # CIDEr 0.1, 0.2, 0.6: mean 0.3, squared deviations 0.04 + 0.01 + 0.09, over 2: 0.07, its root 0.265
    assert cells(table) == {
        "MLE, 3 seeds": ["8.00 ± 1.00", "0.300 ± 0.265", "5.0 ± 1.0"],
        "CL, 2 seeds": ["2.50 ± 0.71", "0.300 ± 0.141", "6.5 ± 0.7"],
    }


def test_single_runs_have_no_deviation(experiments) -> None:
    rows = {"one": "nt_1", "seed": "nt_1{seed}", "strange": "nt_x_cl"}
    (table,) = experiments([{**TABLE, "rows": rows}]).tables
    assert table.title == "MLE and CL"
    assert cells(table) == {
        "one": ["9.00", "0.100", "4"],
        "seed, 1 seed": ["7.00", "0.600", "6"],
        "strange": ["", "9.000", ""],
    }


def test_a_metric_that_some_seeds_lack_is_annotated(experiments) -> None:
    metrics = {"nt_1": {"CIDEr": 1.0, "METEOR": 0.1}, "nt_2": {"CIDEr": 2.0, "METEOR": 0.3}, "nt_3": {"CIDEr": 3.0}}
    (table,) = experiments([{**TABLE, "metrics": ["CIDEr", "METEOR"]}], metrics).tables
    assert cells(table) == {"MLE, 3 seeds": ["2.000 ± 1.000", "0.200 ± 0.141, 2 of 3 seeds"]}


def test_a_row_matches_whole_names_literally(experiments) -> None:
    metrics = {"a.b_1": {"CIDEr": 1.0}, "axb_1": {"CIDEr": 2.0}, "xa.b_1": {"CIDEr": 3.0}, "a.b_1_cl": {"CIDEr": 4.0}}
    (table,) = experiments([{**TABLE, "rows": {"row": "a.b_{seed}"}}], metrics).tables
    assert cells(table) == {"row, 1 seed": ["1.000"]}


def test_seeds_may_be_folders(experiments) -> None:
    metrics = {"seed1/nt": {"CIDEr": 1.0}, "seed2/nt": {"CIDEr": 2.0}}
    (table,) = experiments([{**TABLE, "rows": {"MLE": "seed{seed}/nt"}}], metrics).tables
    assert list(cells(table)) == ["MLE, 2 seeds"]


def test_missing_runs_are_left_out_and_reported(experiments) -> None:
    rows = {**TABLE["rows"], "CL, twice": "nt_{seed}_cl_cl"}
    experiments_found = experiments(
        [
            {**TABLE, "metrics": ["CIDEr", "SPICE", "mine"], "rows": rows},
            {**TABLE, "name": "aa", "rows": {"AA": "aa_{seed}"}},
        ]
    )
    assert [[metric.name for metric in table.metrics] for table in experiments_found.tables] == [["CIDEr", "mine"]]
    assert list(cells(experiments_found.tables[0])) == ["MLE, 3 seeds", "CL, 2 seeds"]
    assert experiments_found.messages == [
        "left out of the tables, because no run matches: main: 'CL, twice' (nt_{seed}_cl_cl); all of aa",
        "left out of the tables, because none of their runs has the metric: main: SPICE",
    ]
    assert [run.name for run in experiments_found.examples] == ["nt_1", "nt_1_cl"]


def test_empty_tables_are_refused(experiments, tmp_path: Path) -> None:
    path = tmp_path / "tables.json"
    for tables, reason in (
        ([{**TABLE, "rows": {"AA": "aa_{seed}"}}], "no run's name matches any row pattern (aa_{seed}); "),
        ([], "no run's name matches any row pattern (there are none); "),
        ([{**TABLE, "metrics": ["SPICE"]}], "no run of its tables has any of their metrics: SPICE"),
    ):
        with pytest.raises(ClcapError, match=re.escape(f"{path}: {reason}")):
            experiments(tables)


def test_experiments_as_markdown_latex_and_text(experiments) -> None:
    tables = experiments([{**TABLE, "title": "50% <MLE>\nand CL", "metrics": ["CIDEr", "mean_rank"]}]).tables
    spread = "(mean ± sample standard deviation over seeds)"
    assert as_markdown(tables) == (
        f"**50% \\<MLE> and CL {spread}**\n\n| Model | CIDEr ↑ | Mean rank ↓ |\n|:---|---:|---:|\n"
        "| MLE, 3 seeds | 0.300 ± 0.265 | 8.00 ± 1.00 |\n| CL, 2 seeds | 0.300 ± 0.141 | 2.50 ± 0.71 |\n\n2 images.\n"
    )
    latex = as_latex(tables)
    assert "\\caption{50\\% $<$MLE$>$ and CL. 2 images. Mean $\\pm$ sample standard deviation" in latex
    assert "\nCL, 2 seeds & 0.300{\\scriptsize $\\pm$0.141} & 2.50{\\scriptsize $\\pm$0.71} \\\\\n" in latex
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(as_text(tables))
    text = console.export_text()
    assert "│ mean_rank ↓ │   8.00 ± 1.00 │   2.50 ± 0.71 │\n" in text


def test_the_page_starts_with_tables_and_one_run_per_row(experiments, tmp_path: Path) -> None:
    experiments_found = experiments([{**TABLE, "title": "<b>MLE"}])
    page = page_of(open_runs(sorted(tmp_path.glob("*.metrics.json"))), experiments=experiments_found)
    assert page.index('<h2 id="experiments">') < page.index("<caption>&lt;b&gt;MLE (mean") < page.index('id="metrics"')
    assert "<span>CL,<wbr> 2 seeds</span>" in page
    assert "2.50" in page and "<small>± 0.71</small>" in page
    assert [run["name"] for run in json.loads(Elements(page).data)["runs"]] == ["nt_1", "nt_1_cl"]
    assert 'class="changes"' not in page, "the first against the last run means nothing here"


def test_of_many_runs_two_are_shown(write) -> None:
    runs = open_runs([write(f"nt_{seed}.metrics.json", [image(1, "a dog")]) for seed in range(7)])
    for shown, pairs, after in ((runs[:6], False, 5), (runs, True, 1)):
        page = page_of(shown)
        assert json.loads(Elements(page).data)["pairs"] is pairs
        assert f'<option value="{after}" selected>nt_{after}</option>' in page
