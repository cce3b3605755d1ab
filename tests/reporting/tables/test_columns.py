"""--columns chooses the columns of tables in every format."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.reporting.conftest import image, scored_images, write

__all__ = ["write"]

METRICS = {"images": 1, "CIDEr": 1.0, "R@1": 0.5, "SPICE": 0.25, "vocabulary_share_of_training": 0.75, "mine": 2.0}


@pytest.fixture
def files(write) -> list[Path]:
    return [write(f"nt_{seed}.metrics.json", [image(1, "a dog")], METRICS) for seed in (1, 2)]


def test_columns_stand_in_the_given_order(files: list[Path], clcap, tmp_path: Path) -> None:
    kinds = {kind: tmp_path / f"table.{end}" for kind, end in (("csv", "csv"), ("markdown", "md"), ("latex", "tex"))}
    outputs = [word for kind, path in kinds.items() for word in (f"--{kind}", path)]
    shown = clcap("report", *files, "--text", *outputs, "--columns", "SPICE, Vocabulary share of training,R@1").out
    order = [shown.index(name) for name in ("SPICE", "vocabulary_share_of_training", "R@1")]
    assert order == sorted(order) and "CIDEr" not in shown
    assert list(pd.read_csv(kinds["csv"])) == ["run", "SPICE", "vocabulary_share_of_training", "R@1"]
    latex, markdown = kinds["latex"].read_text(), kinds["markdown"].read_text()
    for text in (latex, markdown):
        order = [text.index(name) for name in ("SPICE", "R@1")]
        assert order == sorted(order) and "CIDEr" not in text


def test_latex_has_the_metrics_of_papers_unless_asked(files: list[Path], clcap, tmp_path: Path) -> None:
    for options, expected in (([], False), (["--columns", "all"], True)):
        assert clcap("report", *files, "--latex", tmp_path / "t.tex", *options, "--text").status == 0
        text = (tmp_path / "t.tex").read_text()
        assert "CIDEr" in text and "SPICE" in text
        assert ("Mine" in text) == ("Vocabulary" in text) == expected


def test_columns_of_tables_of_seeds(files: list[Path], clcap, tmp_path: Path) -> None:
    rows = {"MLE": "nt_{seed}"}
    definitions = [{"name": "a", "title": "A", "metrics": ["CIDEr", "R@1"], "rows": rows},
                   {"name": "b", "title": "B", "metrics": ["CIDEr"], "rows": rows}]  # fmt: skip
    (tmp_path / "tables.json").write_text(json.dumps(definitions))
    clcap("report", *files, "--tables", tmp_path / "tables.json", "--markdown", tmp_path / "t.md", "--columns", "R@1")
    text = (tmp_path / "t.md").read_text()
    assert "A" in text and "MLE, 2 seeds" in text and "CIDEr" not in text and "B (mean" not in text


def test_tables_without_the_columns_are_left_out(write, clcap, tmp_path: Path) -> None:
    ranking = {"captions": {"id": "1" * 16, "name": "nt"}, "ranker": {"id": "2" * 16, "name": "aa"}}
    scored = write("nt.metrics.json", [image(1, "a dog")], {"CIDEr": 1.0})
    ranked = write("nt.by_aa.retrieval.json", [image(1, "a dog", rank=1)], {"R@1": 0.5}, ranking=ranking)
    for columns, shown in (("R@1", "R@1 of captions, by ranker"), ("CIDEr", "CIDEr")):
        result = clcap("report", scored, ranked, "--text", "--latex", tmp_path / "t.tex", "--columns", columns)
        assert result.status == 0, result.err
        assert shown in result.out and ("CIDEr" in result.out) == ("CIDEr" in (tmp_path / "t.tex").read_text()) == (
            columns == "CIDEr"
        )


def test_unknown_columns_are_refused(files: list[Path], usage_error_of) -> None:
    message = usage_error_of("report", *files, "--text", "--columns", "R@1,cider")
    assert message.startswith("error: --columns: no metric is called 'cider'; did you mean CIDEr?")
    message = usage_error_of("report", *files, "--text", "--columns", "Foo,CIDEr,Quux")
    assert message.startswith("error: --columns: no metric is called 'Foo' or 'Quux'; choose from R@1, CIDEr, SPICE, ")
    message = usage_error_of("report", *files, "--text", "--columns", "")
    assert message.startswith("error: --columns: names no metric; give names such as R@1,CIDEr")


def test_options_of_tables_need_a_table(files: list[Path], usage_error_of) -> None:
    assert usage_error_of("report", *files, "--columns", "R@1").startswith("error: --columns: needs --text, --csv")
    assert usage_error_of("report", *files, "--intervals", "pm", "--text").startswith(
        "error: --intervals: needs --latex"
    )


def test_latex_has_means_over_seeds_instead_of_seeds(write, clcap, tmp_path: Path) -> None:
    cards = [
        {"role": "checkpoint", "id": str(seed), "stage": "train-mle", "settings": {"seed": seed}} for seed in (1, 2)
    ]
    images = scored_images([1, 2, 3])
    files = [
        write(f"nt_{n}.metrics.json", images, {"R@1": n / 4, "mine": 1.0}, made_from=[card])
        for n, card in enumerate(cards, 1)
    ]
    result = clcap("report", *files, "--latex", tmp_path / "t.tex", "--markdown", tmp_path / "t.md", "--text")
    assert result.status == 0, result.err
    latex = (tmp_path / "t.tex").read_text()
    assert "Mean $\\pm$ sample standard deviation over 2 seeds." in latex
    assert latex.count("\\begin{table") == 1 and "nt\\_1 &" not in latex
    assert "| nt_1 |" in (tmp_path / "t.md").read_text()


def test_all_columns_in_latex_leave_the_images_to_the_caption(files: list[Path], clcap, tmp_path: Path) -> None:
    for columns, shown in (("all", False), ("images,CIDEr", True)):
        assert clcap("report", *files, "--latex", tmp_path / "t.tex", "--columns", columns, "--text").status == 0
        text = (tmp_path / "t.tex").read_text()
        assert "1 image." in text and ("Images" in text) == shown
