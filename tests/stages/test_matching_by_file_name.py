"""Captions and references whose ids differ meet by file name, and the result says how."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.results import open_caption_results
from tests.stages.test_bad_input import coco

FAST = ("--metrics", "ROUGE_L")
TEXTS = {"a.jpg": "a dog runs", "b.jpg": "two cats sleep", "c.jpg": "a red bus"}


def results(path: Path, captions: dict) -> Path:
    path.write_text(json.dumps([{"image_id": id, "caption": text} for id, text in captions.items()]))
    return path


def by_id(path: Path) -> Path:
    """A COCO file that gives the images the ids 1, 2 and 3."""
    images = [{"id": id, "file_name": name} for id, name in enumerate(TEXTS, 1)]
    notes = [{"id": id, "image_id": id, "caption": text} for id, text in enumerate(TEXTS.values(), 1)]
    return coco(path, images, notes)


def table(path: Path, folder: str = "") -> Path:
    rows = [f"{folder}{name},{text}" for name, text in TEXTS.items()]
    path.write_text("\n".join(["image,caption", *rows]))
    return path


@pytest.fixture
def scored(clcap: Callable, tmp_path: Path) -> Callable[[Path, Path], dict]:
    """Score predictions that equal the references, and return the metrics file."""

    def score(predictions: Path, references: Path) -> dict:
        out = tmp_path / "m.json"
        result = clcap("evaluate", "--predictions", predictions, "--references", references, *FAST, "--out", out)
        assert result.status == 0, result.err
        content = json.loads(out.read_text())
        assert content["metrics"]["ROUGE_L"] == 1 and content["metrics"]["images"] == 3
        ways = [f"{count} images by {way}" for way, count in content["matched_by"].items()]
        assert (f"matched {', '.join(ways)}" in result.err) == (ways != ["3 images by id"])
        return content

    return score


@pytest.mark.parametrize(
    ("prefix", "way"),
    [
        ("", "file name"),
        ("photos/", "file name without folder"),
        ("/data/", "file name without folder"),
        ("C:\\data\\", "file name without folder"),
        ("./", "file name"),
    ],
)
def test_predictions_by_file_name_meet_references_by_id(tmp_path: Path, scored, prefix: str, way: str) -> None:
    predictions = results(tmp_path / "p.json", {prefix + name: text for name, text in TEXTS.items()})
    content = scored(predictions, by_id(tmp_path / "r.json"))
    assert content["matched_by"] == {way: 3}
    assert [image["image_id"] for image in content["images"]] == [1, 2, 3]
    back = scored(by_id(tmp_path / "r.json"), predictions)
    assert (back["matched_by"], back["images"][0]["image_id"]) == ({way: 3}, f"{prefix}a.jpg")


def test_numbers_and_texts_are_matched_by_id(tmp_path: Path, scored) -> None:
    predictions = results(tmp_path / "p.json", {str(id): text for id, text in enumerate(TEXTS.values(), 1)})
    assert scored(predictions, by_id(tmp_path / "r.json"))["matched_by"] == {"id": 3}


def test_suffix_and_case_of_file_names_are_ignored(tmp_path: Path, scored) -> None:
    for change in (str.upper, lambda name: name.removesuffix(".jpg"), lambda name: name.replace("jpg", "png")):
        predictions = results(tmp_path / "p.json", {change(name): text for name, text in TEXTS.items()})
        assert scored(predictions, table(tmp_path / "r.csv", "photos/"))["matched_by"].keys() != {"id"}


def test_file_names_of_coco_have_their_ids(tmp_path: Path, scored) -> None:
    names = [f"COCO_test2014_{number:012}.jpg" for number in (1, 2, 3)]
    predictions = results(tmp_path / "p.json", dict(zip(names, TEXTS.values(), strict=True)))
    references = results(tmp_path / "r.json", dict(zip((1, 2, 3), TEXTS.values(), strict=True)))
    assert scored(predictions, references)["matched_by"] == {"number in COCO's file name": 3}


def test_an_ambiguous_file_name_is_an_error_with_both(tmp_path: Path, error_of) -> None:
    predictions = results(tmp_path / "p.json", {"a.jpg": "a dog"})
    references = results(tmp_path / "r.json", {"x/a.jpg": "a dog", "y/a.jpg": "a cat"})
    assert error_of("evaluate", "--predictions", predictions, "--references", references, "--only-common") == (
        "the image a.jpg of the captions could be x/a.jpg or y/a.jpg of the references; write more of their paths, or "
        "use ids"
    )


def test_captions_of_image_files_are_scored_and_ranked(chain: Path, clcap) -> None:
    """The output of caption --images meets the user's table and captions.h5."""
    listed = open_captions(chain / "captions.h5")
    rows = listed.rows_of("test")
    names = [listed.file_names[row] for row in rows]
    folder, out = chain / "scenes" / "images", chain / "own.captions.json"
    files = [folder / name for name in names]
    images = [argument for file in files for argument in ("--images", file)]
    assert clcap("caption", chain / "nt.pt", *images, "--out", out, "--device", "cpu").status == 0
    captions = [texts[0] for texts in open_caption_results(out).captions.values()]
    (chain / "own.csv").write_text("\n".join(["image,caption", *map(",".join, zip(names, captions, strict=True))]))
    result = clcap("evaluate", out, "--references", chain / "own.csv", *FAST)
    assert "matched 10 images by file name without folder" in result.err and "left out" not in result.err
    metrics = json.loads((chain / "own.metrics.json").read_text())
    assert (metrics["metrics"]["ROUGE_L"], metrics["images"][0]["image_id"]) == (1, names[0])
    given = ("--captions", chain / "captions.h5", "--features", chain / "features.h5")
    assert clcap("evaluate", out, *given, *FAST).status == 0
    metrics = json.loads((chain / "own.metrics.json").read_text())
    assert [image["image_id"] for image in metrics["images"]] == listed.ids_of(rows)
    assert "CIDErBtw" in metrics["metrics"]
    result = clcap("self-retrieve", chain / "nt.pt", "--predictions", out, "--device", "cpu")
    assert "matched 10 images by file name without folder" in result.err
    ranked = json.loads((chain / "nt.retrieval.json").read_text())
    assert [image["caption"] for image in ranked["images"]] == captions
    assert ranked["matched_by"] == {"file name without folder": 10}
    result = clcap("evaluate", out, *given, *FAST, "--retrieval", chain / "nt.retrieval.json")
    assert result.status == 0, result.err


def test_captions_of_paths_need_references(chain: Path, clcap, error_of) -> None:
    out = chain / "own.captions.json"
    image = next((chain / "scenes" / "images").iterdir())
    assert clcap("caption", chain / "nt.pt", "--images", image, "--out", out, "--device", "cpu").status == 0
    assert error_of("evaluate", out) == (
        f"{out} has captions of image files, whose references are unknown; give references with --references, such as "
        "a table with the columns image and caption, or a captions.h5 with --captions"
    )


def test_captions_of_a_split_meet_a_table_by_file_name(chain: Path, clcap) -> None:
    """The file names are in the captions.h5 that the captions record."""
    listed = open_captions(chain / "captions.h5")
    assert clcap("caption", chain / "nt.pt", "--device", "cpu").status == 0
    names = [f"photos/{listed.file_names[row]}" for row in listed.rows_of("test")]
    (chain / "own.csv").write_text("\n".join(["image,caption", *(f"{name},a red ring" for name in names)]))
    by_id = ("--predictions", chain / "nt.captions.json", "--references", chain / "captions.h5", *FAST)
    assert "|decoding:beam " in clcap("evaluate", *by_id).err
    pool = ("--predictions", chain / "nt.captions.json", "--pool", 4, "--device", "cpu")
    assert "6 of 10 captions are of other images" in clcap("self-retrieve", chain / "nt.pt", *pool).err
    result = clcap("evaluate", chain / "nt.captions.json", "--references", chain / "own.csv", *FAST)
    assert "matched 10 images by file name without folder" in result.err
    metrics = json.loads((chain / "nt.metrics.json").read_text())
    assert "CIDErBtw" in metrics["metrics"] and metrics["images"][0]["image_id"] == names[0]


def test_features_meet_captions_by_file_name(chain: Path, clcap) -> None:
    """Captions prepared again from a table, whose ids are paths, with the features extracted before."""
    rows = []
    for split in ("train", "val", "test"):
        content = json.loads((chain / "scenes" / f"captions_{split}.json").read_text())
        names = {image["id"]: image["file_name"] for image in content["images"]}
        rows += [f"photos/{names[own['image_id']]},{own['caption']},{split}" for own in content["annotations"]]
    (chain / "t.csv").write_text("\n".join(["image,caption,split", *rows]))
    captions = chain / "t.h5"
    assert clcap("prepare-captions", chain / "t.csv", "--min-count", 2, "--out", captions).status == 0
    small = ("--hidden", 8, "--embedding", 8, "--epochs", 1, "--device", "cpu")
    result = clcap("train-mle", captions, chain / "features.h5", "--out", chain / "t.pt", *small)
    assert f"matched 42 images by file name without folder of {captions}" in result.err
    assert clcap("evaluate", chain / "t.pt", "--device", "cpu", *FAST).status == 0
    metrics = json.loads((chain / "t.metrics.json").read_text())
    assert metrics["matched_by"] == {"id": 10} and "CIDErBtw" in metrics["metrics"]


def test_a_mismatch_names_images_as_the_captions_do(chain: Path, error_of) -> None:
    listed = open_captions(chain / "captions.h5")
    names = [listed.file_names[listed.rows_of(split)[0]] for split in ("test", "val")]
    predictions = results(chain / "p.json", dict.fromkeys(names, "a dog"))
    message = error_of("evaluate", "--predictions", predictions, "--references", chain / "captions.h5")
    assert f"1 of 2 captions are of images without references: {names[1]}; 9 of 10 images" in message
