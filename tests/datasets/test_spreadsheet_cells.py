"""No cell of a CSV file is a formula to a spreadsheet, and every text survives."""

import csv
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clcap_cli.artifacts.caption_tables import as_csv
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.results import open_caption_results, write_caption_results
from clcap_cli.datasets.spreadsheet_cells import as_cell, text_of_cell

FORMULAS = ["=cmd|'/c calc'!A1", "+1+2", "-a dog", "@SUM(1)", "\t=1", "\r=1", "'=1", "＝1"]
NOT_FORMULAS = ["a dog", "-0.5", "+3", "-1e-05", ".5", "'a dog'", "", "1-2", "'5"]


@given(st.text(alphabet="'=+-@\t\r\n＝0.5ea ", max_size=6))
@example("''=1")
def test_every_text_survives(text: str) -> None:
    assert text_of_cell(as_cell(text)) == text


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_become_text(text: str) -> None:
    assert as_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", NOT_FORMULAS)
def test_numbers_and_other_texts_stay(text: str) -> None:
    assert as_cell(text) == text


def test_ids_and_file_names_are_no_formulas_either() -> None:
    lines = as_csv([("=1", "@x.jpg", "-a dog"), (-5, "b.jpg", "a cat")])
    assert lines == "image_id,image,caption\n'=1,'@x.jpg,'-a dog\n-5,b.jpg,a cat\n"


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.jsonl"])
def test_captions_are_read_as_they_were_written(tmp_path: Path, name: str) -> None:
    captions = {f"{number}": [text.strip()] for number, text in enumerate([*FORMULAS, *NOT_FORMULAS]) if text.strip()}
    write_caption_results(tmp_path / name, captions, Origin("test", {}))
    found = open_caption_results(tmp_path / name)
    assert {str(id): list(group) for id, group in found.captions.items()} == captions


def test_names_of_runs_are_no_formulas(clcap, tmp_path: Path, shared_chain: Path) -> None:
    results = tmp_path / "=cmd|x.metrics.json"
    assert clcap("caption", shared_chain / "nt.pt", "--out", tmp_path / "c.json", "--device", "cpu").status == 0
    evaluate = ("evaluate", tmp_path / "c.json", "--references", shared_chain / "captions.h5", "--metrics", "CIDEr")
    assert clcap(*evaluate, "--out", results).status == 0
    outputs = ("--csv", tmp_path / "t.csv", "--markdown", tmp_path / "t.md", "--latex", tmp_path / "t.tex")
    assert clcap("report", results, "--out", tmp_path / "r.html", *outputs).status == 0
    with (tmp_path / "t.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["run"] == "'=cmd|x"
    assert float(rows[0]["CIDEr"]) >= 0
