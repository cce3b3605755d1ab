"""clcap report: its outputs and messages."""

import json
from pathlib import Path

import pytest

from clcap_cli.errors import ClcapError
from tests.reporting.conftest import image, log, write

__all__ = ["log", "write"]

IMAGES = [image(1, "a dog", rank=1), image(2, "a cat", rank=2)]


@pytest.fixture
def files(write) -> list[Path]:
    return [
        write("nt.metrics.json", IMAGES, {"CIDEr": 1.0, "images": 2}),
        write("nt.retrieval.json", IMAGES, {"R@1": 0.5, "images": 2}),
    ]


def test_the_page_is_written_next_to_the_first_file(files: list[Path], clcap, tmp_path: Path) -> None:
    result = clcap("report", *files)
    assert result.status == 0, result.err
    assert result.out == f"{tmp_path}/report.html\n"
    assert (
        "2 of 2 images (the first: 1) are not found, because no features.h5 records their folder; give it with "
        "--images\n"
    ) in result.err
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert clcap("report", *files, "--out", tmp_path / "deep" / "page.html").out == f"{tmp_path}/deep/page.html\n"


def test_text_alone_writes_no_page(files: list[Path], clcap, tmp_path: Path) -> None:
    result = clcap("report", *files, "--text")
    assert result.status == 0
    assert "CIDEr" in result.out and "R@1" in result.out and "report.html" not in result.out
    assert not (tmp_path / "report.html").exists()
    both = clcap("report", *files, "--text", "--out", tmp_path / "page.html")
    assert both.out.splitlines()[-1] == f"{tmp_path}/page.html"


def test_tables_are_not_truncated_without_a_terminal(write, clcap) -> None:
    files = [write(f"a_rather_long_name_{number}.metrics.json", IMAGES, {"CIDEr": 1.0}) for number in range(9)]
    out = clcap("report", *files, "--text").out
    assert all(f"a_rather_long_name_{number}" in out.splitlines()[1] for number in range(9))


def test_tables_and_plots_are_written_for_a_paper(files: list[Path], clcap, tmp_path: Path) -> None:
    paper = tmp_path / "paper"
    tables = ["--csv", paper / "t.csv", "--markdown", paper / "t.md", "--latex", paper / "t.tex"]
    assert clcap("report", *files, *tables, "--plots", paper / "plots").status == 0
    assert (paper / "t.csv").read_text() == "run,R@1,CIDEr,images\nnt,0.5,1.0,2\n"
    assert "| nt | 1.000 |" in (paper / "t.md").read_text()
    assert "nt & 0.500 & 1.000 \\\\" in (paper / "t.tex").read_text()
    assert sorted(path.name for path in (paper / "plots").iterdir()) == ["recall.pdf", "recall.png", "recall.svg"]


def test_tables_of_means_over_seeds_come_first(write, clcap, tmp_path: Path) -> None:
    files = [write(f"nt_{seed}.metrics.json", IMAGES, {"CIDEr": seed / 10}) for seed in (1, 2, 3)]
    table = {"name": "main", "title": "MLE and CL", "metrics": ["CIDEr"], "rows": {"MLE": "nt_{seed}", "CL": "cl"}}
    tables = tmp_path / "tables.json"
    tables.write_text(json.dumps([table]))
    out = {"markdown": tmp_path / "t.md", "latex": tmp_path / "t.tex", "csv": tmp_path / "t.csv"}
    options = [word for kind, path in out.items() for word in (f"--{kind}", path)]
    result = clcap("report", *files, "--tables", tables, "--text", *options, "--out", tmp_path / "page.html")
    assert result.status == 0, result.err
    assert "left out of the tables, because no run matches: main: 'CL' (cl)\n" in result.err
    assert result.out.splitlines()[0].strip() == "MLE and CL (mean ± sample standard deviation over seeds)"
    assert "0.200 ± 0.100" in result.out
    assert out["markdown"].read_text().startswith("**MLE and CL (mean ±")
    assert "| nt_1 | 0.100 |" in out["markdown"].read_text(), "each run stands below"
    assert "MLE & 0.200{\\scriptsize $\\pm$0.100}" in out["latex"].read_text()
    assert out["csv"].read_text().splitlines()[:2] == ["run,seeds,CIDEr,CIDEr_sd", "nt_1,1,0.1,"]
    assert out["csv"].read_text().splitlines()[-1].startswith("nt_{seed},3,0.19999")
    assert '<h2 id="experiments">' in (tmp_path / "page.html").read_text()


def test_the_tables_of_the_pipeline_are_read(write, error_of) -> None:
    path = Path(__file__).parents[2] / "pipelines" / "tables.json"
    message = error_of("report", write("other.metrics.json", IMAGES), "--tables", path)
    assert message.startswith(f"{path}: no run's name matches any row pattern (nt_{{seed}}, ")


def test_images_are_found_by_id(files: list[Path], clcap, error_of, write, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "own").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "own" / "a.png")
    path = write("other.metrics.json", [image("a.png", "a dog"), image("b.png", "a cat")])
    result = clcap("report", path, "--images", tmp_path / "own")
    assert f"1 of 2 images (the first: b.png) are not in {tmp_path}/own\n" in result.err
    assert (tmp_path / "report.html").read_text().count("UklGR") == 1, "one WebP file"
    assert (
        error_of("report", path, "--images", tmp_path / "none")
        == f"{tmp_path}/none is missing; a folder or a tar archive is expected here"
    )


def test_different_images_give_a_warning(files: list[Path], write, clcap, tmp_path: Path) -> None:
    other = write("other.metrics.json", [image(2, "a cat")])
    warning = "The runs are of different images (nt 2, other 1; 1 in common): their metrics cannot be compared"
    assert f"warning: {warning}, except over the images in common.\n" in clcap("report", *files, other).err
    assert warning in (tmp_path / "report.html").read_text()


def test_report_refuses_other_files(error_of, clcap, tmp_path: Path) -> None:
    missing = tmp_path / "none.metrics.json"
    assert error_of("report", missing) == f"no such file: {missing}"
    (tmp_path / "nt.pt").touch()
    assert error_of("report", tmp_path / "nt.pt").endswith(
        "is an empty file; a file of a run (*.metrics.json, *.retrieval.json or *.log.jsonl) is expected here: "
        "download or create it again"
    )
    damaged = tmp_path / "nt.metrics.json"
    damaged.write_text('{"provenance": {}')
    assert error_of("report", damaged).startswith(f"{damaged} is not valid JSON at line 1")
    damaged.write_text(json.dumps({"provenance": {}}))
    assert error_of("report", damaged) == f"{damaged} is not a clcap file: its provenance is damaged at format"
    assert clcap("report").status == 2


def test_a_log_and_cross_rankings_alone_have_a_page(write, log, clcap, tmp_path: Path) -> None:
    curve = log("nt.log.jsonl", [{"epoch": 1, "step": 5, "loss": 2.0}, {"epoch": 2, "step": 10, "loss": 1.0}])
    ranking = {"captions": {"id": "1" * 16, "name": "nt"}, "ranker": {"id": "2" * 16, "name": "aa"}}
    crossed = write("nt.by_aa.retrieval.json", IMAGES, {"R@1": 0.5}, ranking=ranking)
    tables = ["--csv", tmp_path / "t.csv", "--markdown", tmp_path / "t.md", "--latex", tmp_path / "t.tex"]
    result = clcap(
        "report", curve, crossed, "--plots", tmp_path / "plots", *tables, "--text", "--out", tmp_path / "report.html"
    )
    assert result.status == 0, result.err
    assert "R@1 of captions, by ranker" in result.out
    page = (tmp_path / "report.html").read_text()
    assert "The files of these runs have no metrics." in page and "Definitions of the metrics" not in page
    assert (tmp_path / "plots" / "nt.loss.png").exists()


def test_a_failed_report_leaves_no_empty_folder(files: list[Path], error_of, tmp_path: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise ClcapError("no page")

    monkeypatch.setattr("clcap_cli.reporting.page.render.render", fail)
    assert error_of("report", *files, "--plots", tmp_path / "deep" / "plots") == "no page"
    assert not (tmp_path / "deep").exists()


def test_two_outputs_need_two_files(files: list[Path], error_of, tmp_path: Path) -> None:
    (tmp_path / "link.tex").symlink_to("r.html")
    message = error_of("report", *files, "--out", tmp_path / "r.html", "--latex", tmp_path / "link.tex")
    assert message == f"{tmp_path}/link.tex is named for two outputs of this command; give each a name of its own"


@pytest.mark.parametrize("option", ["--out", "--csv", "--markdown", "--latex"])
def test_report_replaces_no_file_that_it_reads(option: str, files: list[Path], log, clcap, tmp_path: Path) -> None:
    log("nt.log.jsonl", [{"epoch": 1, "step": 5, "loss": 2.0, "seconds": 1}])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for path in before:
        result = clcap("report", *files, option, path)
        assert result.status == 2 and " must end in " in result.err
    suffix = {"--out": ".html", "--csv": ".csv", "--markdown": ".md", "--latex": ".tex"}[option]
    (tmp_path / f"link{suffix}").symlink_to("nt.log.jsonl")
    result = clcap("report", *files, option, tmp_path / f"link{suffix}")
    assert result.status == 1 and f"link{suffix} exists and is a training log (*.log.jsonl)" in result.err
    assert {path: path.read_bytes() for path in before} == before


def test_report_replaces_its_own_earlier_outputs(files: list[Path], clcap, tmp_path: Path) -> None:
    outputs = ["--csv", tmp_path / "t.csv", "--markdown", tmp_path / "t.md", "--latex", tmp_path / "t.tex"]
    assert [clcap("report", *files, *outputs).status for _ in range(2)] == [0, 0]


def test_a_page_of_another_program_is_not_replaced(files: list[Path], error_of, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<!doctype html><title>Accounts</title>")
    assert "report.html exists and is an HTML page" in error_of("report", *files)


def test_unwritable_outputs_are_reported_first(files: list[Path], error_of, tmp_path) -> None:
    assert error_of("report", *files, "--out", tmp_path) == (
        f"{tmp_path} cannot be written: it is a folder; give the name of a file"
    )
    below = files[0] / "plots"
    assert error_of("report", *files, "--plots", below) == (f"{below} cannot be written: {files[0]} is not a folder")
    assert not (tmp_path / "report.html").exists()


def test_the_report_of_a_whole_chain(chain: Path, clcap) -> None:
    """Ranks of a model's own captions, with its log and image files."""
    clcap("self-retrieve", chain / "nt.pt", "--device", "cpu")
    result = clcap("report", chain / "nt.retrieval.json")
    assert result.status == 0, result.err
    assert " are not " not in result.err
    page = (chain / "report.html").read_text()
    assert page.count("UklGR") == 10
    assert "nt: loss" in page
