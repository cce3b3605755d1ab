"""The tables of the documentation: what write_tables.py writes from the committed metrics."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clcap_cli.errors import ClcapError
from pipelines.write_tables import pages
from result_tables import summary_tables
from result_tables.column import Column
from result_tables.marks import MARKED
from result_tables.results import DOCS, Data, read_results
from tests.pipelines.conftest import PIPELINES

FIGURE = re.compile(r"\d+\.\d{3}")
CODE = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)
RUNS = {
    "nt_1": {"CIDEr": 0.5, "R@1": 0.1},
    "nt_2": {"CIDEr": 0.7, "R@1": 0.2},
    "nt_1_cl": {"CIDEr": 0.75},
    "nt_2_cl": {"CIDEr": 0.97},
    "nt_3_cl": {"CIDEr": 0.9},
    "human": {"CIDEr": 0.9},
}
DATA = Data("mine", "Mine", "", {name: {"metrics": metrics} for name, metrics in RUNS.items()})


def in_copy(folder: Path, change: Callable[[str], str]) -> tuple[subprocess.CompletedProcess, Path]:
    """The process of write_tables.py in a copy of the repository with a changed docs/experiments.md, and this page."""
    shutil.copytree(PIPELINES, folder / "pipelines")
    shutil.copytree(DOCS / "results", folder / "docs" / "results")
    page = folder / "docs" / "experiments.md"
    page.write_text(change((DOCS / "experiments.md").read_text(encoding="utf-8")), encoding="utf-8")
    command = [sys.executable, folder / "pipelines" / "write_tables.py"]
    return subprocess.run(command, capture_output=True, text=True, cwd=PIPELINES.parent), page


def test_the_tables_of_the_documentation_are_those_of_the_committed_metrics() -> None:
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, "run python pipelines/write_tables.py"


def test_figures_in_the_text_are_in_a_table_of_their_section() -> None:
    text = CODE.sub("", (DOCS / "experiments.md").read_text(encoding="utf-8"))
    introduction, *sections = re.split(r"^##+ ", text, flags=re.MULTILINE)
    written = [section for section in sections if MARKED.search(section)]
    assert len(written) >= 7
    for section in [introduction, *written]:
        lines = section.splitlines()
        tables = "\n".join(line for line in lines if line.startswith("|"))
        prose = "\n".join(line for line in lines if not line.startswith("|"))
        assert [figure for figure in FIGURE.findall(prose) if figure not in tables] == [], lines[0]


def test_both_pages_are_written_by_one_command(tmp_path: Path) -> None:
    process, page = in_copy(tmp_path, lambda text: MARKED.sub(r"\1an old table\n\3", text))
    assert process.returncode == 0, process.stderr
    for path in (page, page.with_name("tables.md")):
        assert path.read_text(encoding="utf-8") == (DOCS / path.name).read_text(encoding="utf-8")


def test_a_page_without_a_mark_stays_and_the_error_names_the_tables(tmp_path: Path) -> None:
    process, page = in_copy(tmp_path, lambda text: text.replace("<!-- end -->", "", 1))
    assert process.returncode == 1
    assert process.stderr.startswith(f"error: {page} has marks for ")
    assert "but the tables are claims, " in process.stderr
    assert process.stderr.count("\n") == 1
    assert "<!-- end -->" in page.read_text(encoding="utf-8") and not page.with_name("tables.md").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": {"CL": "nt_{seed}_lc"}}, "table small: 'CL' has no values; check the names of its runs and metrics"),
        ({"columns": [{"metric": "R@1"}, {"metric": "cider"}]}, "table small: 'Cider' has no values; check the names"),
        ({"data": "scene"}, "table small: there is no docs/results/scene.json; choose from flickr8k, "),
        ({"columns": [{"metrics": "R@1"}]}, "is not a list of tables: at 0.columns.0.metric: Field required"),
    ],
)
def test_a_mistake_in_a_declaration_is_an_error_that_says_where(
    change: dict, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {
        "name": "small",
        "data": "scenes",
        "row_heading": "",
        "columns": [{"metric": "R@1"}],
        "rows": {"CL": "nt_1"},
    }
    path = tmp_path / "summary_tables.json"
    path.write_text(json.dumps([table | change]))
    monkeypatch.setattr(summary_tables, "FILE", path)
    with pytest.raises(ClcapError, match=re.escape(message)):
        summary_tables.summary_tables(read_results())


@pytest.mark.parametrize(
    ("column", "row", "cell"),
    [
        (Column(metric="CIDEr"), "nt_{seed}", "0.600 ± 0.141"),
        (Column(metric="CIDEr"), "human", "0.900"),
        (Column(metric="CIDEr", run="nt_{seed}_{row}"), "cl", "0.873 ± 0.112"),
        (Column(metric="R@1"), "nt_{seed}_cl", ""),
        (Column(metric="CIDEr", run="{row}_cl", minus="{row}"), "nt_{seed}", "+0.260 [+0.133, +0.387], 0.024"),
        (Column(metric="R@1", run="{row}_cl", minus="{row}"), "nt_{seed}", ""),
        (Column(metric="seeds"), "nt_{seed}_cl", "3"),
        (Column(metric="seeds"), "aa_{seed}", ""),
    ],
)
def test_a_cell_has_mean_and_deviation_or_the_tested_difference_over_seeds(column: Column, row: str, cell: str) -> None:
    assert column.cell(DATA, row) == cell
