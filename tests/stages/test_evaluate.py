"""Captions from anywhere are scored, and ids that do not match are explained."""

import json
from pathlib import Path

import pytest

from clcap_cli.metrics.matching import mismatch

PEOPLE = {
    "x/a.jpg": ["a dog runs", "the dog is running"],
    "x/b.jpg": ["two cats sleep"],
    "x/c.jpg": ["a red bus, parked"],
}
SAID = {"x/a.jpg": "a dog runs", "x/b.jpg": "two dogs", "x/c.jpg": "a red bus, parked"}


def csv(path: Path, rows: dict[str, str], id: str = "image_id") -> Path:
    path.write_text(f"{id},caption\n" + "".join(f'{name},"{text}"\n' for name, text in rows.items()))
    return path


def jsonl(path: Path, rows: dict[str, list[str]]) -> Path:
    path.write_text("".join(json.dumps({"image_id": id, "captions": texts}) + "\n" for id, texts in rows.items()))
    return path


def test_tables_with_any_ids_are_enough(tmp_path: Path, clcap) -> None:
    said, people = csv(tmp_path / "mine.csv", SAID), jsonl(tmp_path / "people.jsonl", PEOPLE)
    answer = clcap("evaluate", "--predictions", said, "--references", people)
    assert answer.status == 0, answer.err
    assert answer.out == f"{tmp_path}/mine.metrics.json\n"
    found = json.loads((tmp_path / "mine.metrics.json").read_text())
    assert {image["image_id"]: image["caption"] for image in found["images"]} == SAID
    assert [image["ROUGE_L"] for image in found["images"]] == pytest.approx([1, 0.35, 1], abs=0.1)
    one_a_row = tmp_path / "people.csv"
    rows = [f'{id},"{text}"' for id, texts in PEOPLE.items() for text in texts]
    one_a_row.write_text("image,caption\n" + "\n".join(rows) + "\n")
    clcap("evaluate", "--predictions", said, "--references", one_a_row, "--out", tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text())
    assert again["figures"] == found["figures"]


def test_captions_and_coco_files_are_references_too(chain: Path, clcap) -> None:
    notes = json.loads((chain / "scenes" / "captions_test.json").read_text())["annotations"]
    said = csv(chain / "mine.csv", {str(note["image_id"]): note["caption"] for note in notes[::5]}, id="id")
    for references in (chain / "scenes" / "captions_test.json", chain / "captions.h5"):
        assert clcap("evaluate", "--predictions", said, "--references", references).status == 0
        figures = json.loads((chain / "mine.metrics.json").read_text())["figures"]
        assert figures["ROUGE_L"] == pytest.approx(1)


def test_only_common_scores_what_has_both_and_says_so(tmp_path: Path, clcap, refused) -> None:
    people = jsonl(tmp_path / "people.jsonl", PEOPLE)
    said = csv(tmp_path / "mine.csv", {"x/a.jpg": "a dog runs", "other": "a cat"})
    words = ["evaluate", "--predictions", said, "--references", people]
    assert refused(*words) == (
        f"{said}: 1 of 2 captions are of images without references: other; 2 of 3 images with references have no "
        "caption: x/b.jpg, x/c.jpg; --only-common scores the 1 images that have both"
    )
    assert clcap(*words, "--only-common").status == 0
    figures = json.loads((tmp_path / "mine.metrics.json").read_text())["figures"]
    assert figures["images"] == 1
    assert figures["left_out"] == {"captions": 1, "images": 2}


def test_duplicates_and_missing_columns_are_named(tmp_path: Path, refused) -> None:
    people = jsonl(tmp_path / "people.jsonl", PEOPLE)
    twice = tmp_path / "twice.csv"
    twice.write_text("image_id,caption\n" + "7,a\n" * 2 + "8,b\n")
    assert refused("evaluate", "--predictions", twice, "--references", people) == (
        f"{twice} has more than one caption for 1 images: 7"
    )
    twice.write_text("name,caption\n7,a\n")
    assert refused("evaluate", "--predictions", twice, "--references", people) == (
        f"{twice} has no column image_id, id or image; it has: name, caption"
    )
    twice.write_text("id,text\n7,a\n")
    assert refused("evaluate", "--predictions", twice, "--references", people) == (
        f"{twice} has no column caption or captions; it has: id, text"
    )
    assert refused("evaluate", "--predictions", twice) == (
        "captions given with --predictions are compared with --references; give both"
    )
    assert refused("evaluate", twice) == (
        f"{twice} is a table; give it with --predictions, and what people wrote with --references"
    )
    assert refused("evaluate").startswith("give either a checkpoint or COCO results")


@pytest.mark.parametrize(
    ("said", "people", "guess"),
    [
        ([1, 2], ["1", "2"], "(it seems that ids are numbers in one and text in the other)"),
        ([391895], ["COCO_val2014_000000391895.jpg"], "(it seems that one has file names where the other has ids)"),
        ([1, 2], [3, 4], "(it seems that the captions are of split 'val')"),
        ([1, 9], [3, 4], "3, 4"),
    ],
)
def test_the_reason_is_guessed(said: list, people: list, guess: str) -> None:
    found = mismatch(said, people, {"val": {1, 2}, "test": {3, 4}})
    assert found is not None and found.endswith(guess)
    assert mismatch(people, people, {}) is None
