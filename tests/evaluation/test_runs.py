"""Files are grouped into runs by name, with the logs next to them."""

from pathlib import Path

import pytest

from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.comparability_warnings import comparability_warnings
from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.reported_runs import open_reported_runs
from tests.reporting.conftest import image, log, write

__all__ = ["log", "write"]

ONE = [image(1, "a dog")]


def test_files_of_one_name_form_one_run(write, log) -> None:
    scored = write("nt.metrics.json", [image(1, "a dog", CIDEr=1.5)], {"CIDEr": 1.5})
    ranked = write("nt.retrieval.json", [image(1, "a dog", rank=2.5, tied=2)], {"R@1": 0.25, "chance": {"R@1": 0.1}})
    log("nt.log.jsonl", [{"epoch": 0, "val_loss": 2.0}])
    (run,) = open_runs([scored, ranked, scored])
    assert run.name == "nt"
    assert run.metrics == {"CIDEr": 1.5, "R@1": 0.25}
    assert run.log == [{"epoch": 0, "val_loss": 2.0}]
    actual = run.images[1]
    assert (actual.caption, actual.cider, actual.rank, actual.tied) == ("a dog", 1.5, 2.5, 2)


def test_ranks_come_from_the_retrieval_file(write) -> None:
    scored = write(
        "nt.metrics.json",
        [image(1, "a dog", rank=9), image(2, "a cat", CIDEr=2.0)],
        {"R@1": 0.5, "CIDEr": 1.0},
        intervals={"R@1": [0.4, 0.6], "CIDEr": [0.8, 1.2]},
    )
    ranked = write("nt.retrieval.json", [image(1, "a dog", rank=3), image(2, "two cats", rank=1)], {"R@1": 0.1})
    (run,) = open_runs([scored, ranked])
    assert run.images[1].rank == 3
    assert run.metrics["R@1"] == 0.1
    assert run.intervals == {"CIDEr": (0.8, 1.2)}, "an interval of another value is none"
    assert run.images[2].caption == "two cats", "the rank is that of the caption that is shown"
    assert run.images[2].cider is None


def test_a_file_given_by_two_paths_is_one_run(write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    path = write("nt.metrics.json", ONE)
    monkeypatch.chdir(tmp_path)
    assert [run.name for run in open_runs([path, Path("nt.metrics.json")])] == ["nt"]
    assert capsys.readouterr().err == "nt.metrics.json is given twice, and counts once\n"


def test_ranks_join_only_the_same_captions(write) -> None:
    scored = write("nt.metrics.json", [image(1, "a dog", rank=9), image(2, "a cat", rank=8), image(3, "a bird")])
    ranked = write("nt.retrieval.json", [image(1, "a dog", rank=3, tied=1), image(2, "two cats", rank=1)])
    (run,) = open_runs([scored, ranked])
    ranks = {id: entry.get("rank") for id, entry in run.entries.items()}
    assert ranks == {1: 3, 2: None, 3: None}, "no rank of another caption, and none that the metrics file had before"
    assert {id: entry.get("rank") for id, entry in open_runs([scored])[0].entries.items()} == {1: 9, 2: 8, 3: None}


def test_ids_are_compared_by_their_text(write) -> None:
    scored = write("nt.metrics.json", [image("1", "a dog", CIDEr=1.5)])
    ranked = write("nt.retrieval.json", [image(1, "a dog", rank=3)])
    (run,) = open_runs([scored, ranked])
    assert (run.images[1].cider, run.images[1].rank) == (1.5, 3)


def test_images_with_ids_of_other_references_are_shown_once(write) -> None:
    scored = write("nt.metrics.json", [image("photos/a.jpg", "a dog")])
    ranked = write("nt.retrieval.json", [image(1, "a dog", rank=3)], {"R@1": 0.25})
    (run,) = open_runs([scored, ranked])
    assert list(run.images) == ["photos/a.jpg"] and run.metrics["R@1"] == 0.25


def test_runs_keep_their_order_but_cl_follows_its_reference(write) -> None:
    names = ("nt_cl", "zz", "nt", "aa_b", "aa_a")
    paths = [write(f"{name}.metrics.json", ONE) for name in names]
    assert [run.name for run in open_reported_runs(paths)] == ["zz", "nt", "nt_cl", "aa_b", "aa_a"]


def test_equal_names_are_shown_with_their_folders(write) -> None:
    paths = [write(f"{folder}/nt.metrics.json", ONE) for folder in ("seed1", "seed2")]
    paths.append(write("seed2/aa.metrics.json", ONE))
    assert [run.name for run in open_runs(paths)] == ["seed1/nt", "seed2/nt", "aa"]


def test_runs_of_different_images_give_a_warning(write) -> None:
    first = write("a.metrics.json", [image(1, "a dog"), image(2, "a cat")])
    second = write("b.metrics.json", [image(2, "a cat", rank=1), image(3, "a bird")])
    runs = open_runs([first, second])
    assert comparability_warnings(runs, runs[0]) == [
        "b: 1 of 2 captions were ranked.",
        "The runs are of different images (a 2, b 2; 1 in common): their metrics cannot be compared, except over the "
        "images in common.",
    ]


def message(*paths: Path) -> str:
    with pytest.raises(ClcapError) as error:
        open_reported_runs(list(paths))
    return str(error.value)


def test_other_files_are_refused(write, log, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("some notes")
    assert message(notes) == (
        f"{notes} is a text file that starts with 'some notes'; a file of a run (*.metrics.json, *.retrieval.json or "
        "*.log.jsonl) is expected here"
    )
    results = tmp_path / "nt.captions.json"
    results.write_text("[]")
    assert message(results).startswith(f"{results} is JSON: ")
    no_figures = write("none.metrics.json", ONE, {"CIDEr": None})
    assert (
        message(no_figures)
        == "report needs a *.metrics.json or *.retrieval.json with metrics; none of the files has any"
    )
    only_log = log("nt.log.jsonl", [{"epoch": 0}])
    assert (
        message(only_log) == "report needs a *.metrics.json or *.retrieval.json with metrics; none of the files has any"
    )
    first, second = write("nt.metrics.json", ONE), write("nt.json.metrics.json", ONE).rename(tmp_path / "nt.json")
    assert message(first, second) == f"{first} and {second} are the same kind of file of the same run; give one of them"


@pytest.mark.parametrize(
    ("line", "reason"),
    [('{"epoch": 1', " is not valid JSON at line 2, column 12: "), ("[1]", ", line 2 is not a record of an epoch; ")],
)
def test_a_damaged_log_is_named(write, log, line: str, reason: str) -> None:
    path = log("nt.log.jsonl", [{"epoch": 0}])
    path.write_text(path.read_text() + line)
    assert message(write("nt.metrics.json", ONE)).startswith(f"{path}{reason}")


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        (image(1, 7), "image 1.caption: Input should be a valid string"),
        (image(1, "a dog", rank=0), "image 1.rank: Input should be greater than or equal to 1"),
        (image(1, "a dog", rank=1e300), "image 1.rank: Input should be less than or equal to 1000000000"),
        (image(1, "a dog", CIDEr=float("nan")), "image 1.CIDEr: Input should be a finite number"),
        (image(1, "a dog", CIDEr="1"), "image 1.CIDEr: a string is not a score"),
        (image(1, "a dog", tied=10**400), "image 1.tied: Input should be less than or equal to 9007199254740992"),
        (
            image(1, "a dog", frequency_bands=[10**400, 0, 0]),
            "image 1.frequency_bands.0: Input should be less than or equal to 9007199254740992",
        ),
    ],
)
def test_a_damaged_image_is_named(write, bad: dict, where: str) -> None:
    path = write("nt.metrics.json", [bad])
    assert message(path) == f"{path} is not a complete metrics file: at {where}"


def test_numbers_beyond_the_float_range_are_left_out(write, log, clcap) -> None:
    path = write("nt.metrics.json", ONE, {"images": 1, "CIDEr": 10**400, "R@1": float("nan"), "METEOR": 0.5})
    log("nt.log.jsonl", [{"epoch": 0, "loss": 10**400, "val_loss": 1.0}])
    (run,) = open_runs([path])
    assert (run.metrics, run.log) == ({"images": 1, "METEOR": 0.5}, [{"epoch": 0, "val_loss": 1.0}])
    assert "metrics   images 1  METEOR 0.5\n" in clcap("show", path).out


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 200_000, "contains lists or objects that are nested too deeply to be read"),
        ('{"epoch": ' + "9" * 5000 + "}", "contains a number with thousands of digits; write it as text"),
    ],
)
def test_deeply_nested_json_is_refused(error_of, write, tmp_path: Path, content: str, reason: str) -> None:
    whole = write("nt.metrics.json", ONE)
    for name in ("nt.log.jsonl", "a.metrics.json", "tables.json"):
        path = tmp_path / name
        path.write_text(content)
        arguments = (whole, "--tables", path) if name == "tables.json" else (path,)
        assert error_of("report", *arguments) == f"{path} {reason}"
        path.unlink()
