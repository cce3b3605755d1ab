"""``caption --out`` writes the format of the suffix, and later stages read each as they read JSON."""

import csv
import json
from pathlib import Path

import pytest

from clcap_cli.artifacts.results import open_caption_results, open_results

CPU = ("--device", "cpu")


@pytest.mark.parametrize(("suffix", "number"), [(".csv", 2), (".jsonl", 2), (".CSV", 1)])
def test_a_table_equals_the_json_of_the_same_captions(chain: Path, clcap, suffix: str, number: int) -> None:
    outputs = [chain / "a.json", chain / f"a{suffix}"]
    for out in outputs:
        result = clcap("caption", chain / "nt.pt", "--beam", 2, "--num-captions", number, "--out", out, *CPU)
        assert (result.status, result.out) == (0, f"{out}\n")
    as_json, as_table = map(open_caption_results, outputs)
    assert as_table.captions == as_json.captions
    assert as_table.provenance.id == as_json.provenance.id
    assert set(as_table.file_names.values()) < {path.name for path in (chain / "scenes/images").iterdir()}
    assert clcap("show", outputs[1]).status == 0


def test_a_table_has_the_columns_that_people_use(chain: Path, clcap) -> None:
    assert clcap("caption", chain / "nt.pt", "--out", chain / "a.csv", *CPU).status == 0
    assert clcap("caption", chain / "nt.pt", "--out", chain / "a.jsonl", *CPU).status == 0
    rows = list(csv.DictReader((chain / "a.csv").open()))
    assert list(rows[0]) == ["image_id", "image", "caption"]
    records = [json.loads(line) for line in (chain / "a.jsonl").read_text().splitlines()]
    assert [{name: str(value) for name, value in record.items()} for record in records] == rows


def test_a_table_is_evaluated_like_json(chain: Path, clcap) -> None:
    metrics = []
    for name in ("a.json", "b.csv"):
        assert clcap("caption", chain / "nt.pt", "--out", chain / name, *CPU).status == 0
        ranked = clcap("self-retrieve", chain / "nt.pt", "--predictions", chain / name, *CPU)
        assert ranked.status == 0, ranked.err
        assert f"next: clcap evaluate {chain / name} --retrieval" in ranked.err
        fast = ("--metrics", "BLEU", "--retrieval", chain / "nt.retrieval.json")
        assert clcap("evaluate", chain / name, *fast, "--out", chain / "m.metrics.json").status == 0
        metrics.append(open_results(chain / "m.metrics.json"))
    assert metrics[0].metrics == metrics[1].metrics
    assert metrics[0].signatures == metrics[1].signatures
    assert [card.stage for card in metrics[0].made_from] == [card.stage for card in metrics[1].made_from]


def test_an_edited_table_has_no_provenance(chain: Path, clcap) -> None:
    assert clcap("caption", chain / "nt.pt", "--out", chain / "a.csv", *CPU).status == 0
    rows = (chain / "a.csv").read_text().splitlines()
    (chain / "a.csv").write_text("\n".join([*rows[:-1], rows[-1] + " edited"]))
    assert open_caption_results(chain / "a.csv").provenance is None


@pytest.fixture
def pictures(chain: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two images."""
    folder = chain / "photos"
    (folder / "more").mkdir(parents=True)
    first, second = sorted((chain / "scenes/images").iterdir())[:2]
    first.rename(folder / "a.png")
    second.rename(folder / "more" / "b.png")
    monkeypatch.chdir(chain)
    return folder


def test_captions_of_own_images_have_their_paths(pictures: Path, clcap) -> None:
    assert clcap("caption", "nt.pt", "--images", "photos", "--out", "own.csv", *CPU).status == 0
    opened = open_caption_results(Path("own.csv"))
    assert list(opened.captions) == list(opened.file_names.values()) == ["photos/a.png", "photos/more/b.png"]
    assert opened.provenance is not None


def test_text_files_are_written_beside_the_images(pictures: Path, clcap) -> None:
    arguments = ("caption", "nt.pt", "--images", "photos", "--out", ".txt", "--beam", 2, "--num-captions", 2, *CPU)
    result = clcap(*arguments)
    assert (result.status, result.out) == (0, f"{pictures}\n")
    assert clcap("caption", "nt.pt", "--images", "photos", "--out", "x.json", *arguments[6:]).status == 0
    captions = open_caption_results(Path("x.json")).captions
    for name in ("a", "more/b"):
        assert (pictures / f"{name}.txt").read_text().splitlines() == captions[f"photos/{name}.png"]


def test_images_of_several_folders_have_their_text_files(pictures: Path, clcap) -> None:
    result = clcap(
        "caption", "nt.pt", "photos/a.png", pictures / "more", "--images", "photos/a.png", "--out", ".txt", *CPU
    )
    assert (result.status, result.out) == (0, f"{pictures}\n")
    assert (pictures / "a.txt").exists() and (pictures / "more" / "b.txt").exists()


def test_text_files_that_are_there_stay(pictures: Path, error_of) -> None:
    (pictures / "more" / "b.txt").write_text("mine")
    message = error_of("caption", "nt.pt", "--images", "photos", "--out", ".txt", *CPU)
    assert message == (
        "--out .txt: 1 of 2 text files exist already: photos/more/b.txt; move them away, or write a table instead: "
        "--out captions.csv"
    )
    assert (pictures / "more" / "b.txt").read_text() == "mine"
    assert not (pictures / "a.txt").exists()


def test_two_images_never_share_a_text_file(pictures: Path, error_of) -> None:
    (pictures / "a.jpg").write_bytes((pictures / "a.png").read_bytes())
    message = error_of("caption", "nt.pt", "--images", "photos", "--out", ".txt", *CPU)
    assert message.startswith("--out .txt: several images have the same text file: photos/a.txt; write a table")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("caption", "nt.pt", "--out", "x.xml"), "--out: 'x.xml' must end in .json, .csv, .jsonl or .txt"),
        (("caption", "nt.pt", "--out", "x.txt"), "--out: 'x.txt': give --out .txt, which writes a text file"),
        (("caption", "nt.pt", "--out", ".txt"), "--out: '.txt' writes a text file beside each image; give the images"),
        (("self-retrieve", "nt.pt", "--out", "x.csv"), "--out: 'x.csv' must end in .json"),
        (("evaluate", "a.json", "--out", "x.csv"), "--out: 'x.csv' must end in .json"),
        (("train-mle", "captions.h5", "features.h5", "--out", "nt"), "--out: 'nt' must end in .pt"),
        (("prepare-captions", "x.csv", "--out", "x.json"), "--out: 'x.json' must end in .h5 or .hdf5"),
    ],
)
def test_a_suffix_of_another_format_is_refused_at_once(usage_error_of, arguments: tuple, message: str) -> None:
    assert usage_error_of(*arguments).startswith(f"error: {message}")


def test_a_foreign_file_named_like_provenance_is_kept(chain: Path, error_of) -> None:
    notes = chain / "a.provenance.json"
    notes.write_text("my own notes")
    assert error_of("caption", chain / "nt.pt", "--out", chain / "a.json") == (
        f"{notes} is not a provenance file, but clcap needs this name for {chain}/a.json; rename it or give "
        "another --out"
    )
    assert notes.read_text() == "my own notes" and not (chain / "a.json").exists()
