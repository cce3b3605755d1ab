"""Each image is in one split, and only images to learn from need captions."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from clcap_cli.artifacts.captions import open_captions
from tests.stages.test_bad_input import IMAGE, NOTE, coco
from tests.stages.test_image_ids import karpathy

INFO = {"info": {"year": 2014}, "licenses": [], "categories": []}


def image_info(path: Path, names: list[str], first: int = 1) -> Path:
    """A file as COCO publishes it for images whose captions are secret."""
    images = [{"id": id, "file_name": name, "license": 1} for id, name in enumerate(names, first)]
    path.write_text(json.dumps({**INFO, "images": images}))
    return path


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return coco(tmp_path / "train.json", [IMAGE], [NOTE])


def test_an_image_in_two_splits_is_an_error(error_of, tmp_path: Path, train: Path) -> None:
    val = Path(shutil.copy(train, tmp_path / "val.json"))
    assert error_of("prepare-captions", "--train", train, "--val", val) == (
        f"image 1 is in two splits, train ({train}) and val ({val}); remove it from one of them"
    )
    assert error_of("prepare-captions", "--train", train, "--train", val) == (
        f"image 1 is listed in {train} and in {val}; list it once"
    )


def test_a_file_given_twice_is_an_error(error_of, tmp_path: Path, train: Path) -> None:
    link, other = tmp_path / "link.json", tmp_path / "x" / ".." / "train.json"
    link.symlink_to(train)
    (tmp_path / "x").mkdir()
    for path in (train, link, other):
        assert error_of("prepare-captions", "--train", train, "--test", path) == (
            f"--train {train} and --test {path} are the same file; give it once"
        )


def test_a_picture_under_two_ids_in_two_splits_is_named(clcap, tmp_path: Path) -> None:
    rows = [f"{id},photos/{name}.jpg,a dog,train" for id, name in enumerate("abcd")]
    rows += [f"{10 + id},.\\photos\\{name}.jpg,a dog,test" for id, name in enumerate("abcd")]
    (tmp_path / "c.csv").write_text("\n".join(["image_id,file_name,caption,split", *rows]))
    result = clcap("prepare-captions", tmp_path / "c.csv", "--min-count", 1, "--out", tmp_path / "c.h5")
    assert result.status == 0
    assert (
        "4 pictures are in two splits under different ids: photos/a.jpg (id 0 in train, 10 in test), "
        "photos/b.jpg (id 1 in train, 11 in test), photos/c.jpg (id 2 in train, 12 in test), …; models would be tested "
        "on pictures that they were trained on"
    ) in result.err


def test_training_images_without_captions_are_left_out(clcap, tmp_path: Path) -> None:
    path = coco(tmp_path / "c.json", [IMAGE, {"id": 2, "file_name": "b.jpg"}], [NOTE])
    out = tmp_path / "c.h5"
    result = clcap("prepare-captions", "--train", path, "--min-count", 1, "--out", out)
    assert "left out: 1 image of split 'train' without captions" in result.err
    assert open_captions(out).image_ids == [1]
    content = json.loads(karpathy(tmp_path / "k.json", [1, 2, 3]).read_text())
    content["images"][1]["sentences"] = content["images"][2]["sentences"] = []
    content["images"][2]["split"] = "test"
    (tmp_path / "k.json").write_text(json.dumps(content))
    assert clcap("prepare-captions", tmp_path / "k.json", "--min-count", 1, "--out", out).status == 0
    assert open_captions(out).image_ids == [1, 3]
    assert open_captions(out).references(np.array([0, 1])) == {1: ["a dog"]}


def test_a_training_split_without_any_captions_is_an_error(error_of, tmp_path: Path, train: Path) -> None:
    info = image_info(tmp_path / "info.json", ["x.jpg", "y.jpg"], 7)
    assert error_of("prepare-captions", "--train", train, "--val", info) == (
        "the split 'val' has no captions (2 images); give images without captions with --test"
    )


def test_images_without_captions_are_a_split_to_caption(chain: Path, clcap, error_of) -> None:
    """image_info_test2014.json: its images are captioned and ranked, and scored against references from elsewhere."""
    scenes = chain / "scenes"
    test = json.loads((scenes / "captions_test.json").read_text())
    info, captions, features = chain / "image_info_test2014.json", chain / "i.h5", chain / "f.h5"
    info.write_text(json.dumps({**INFO, "images": test["images"]}))
    files = ("--train", scenes / "captions_train.json", "--val", scenes / "captions_val.json", "--test", info)
    result = clcap("prepare-captions", *files, "--min-count", 2, "--out", captions)
    assert result.status == 0 and "test: 10 images without captions" in result.err
    arguments = ("--images", scenes / "images", "--image-size", 64, "--device", "cpu")
    assert clcap("extract-features", captions, *arguments, "--out", features).status == 0
    given = ("--captions", captions, "--features", features)
    out = chain / "test.captions.json"
    assert clcap("caption", chain / "nt.pt", *given, "--split", "test", "--device", "cpu", "--out", out).status == 0
    ids = [image["id"] for image in test["images"]]
    assert [entry["image_id"] for entry in json.loads(out.read_text())] == ids
    assert error_of("evaluate", out) == (
        f"the images of split 'test' in {captions} have no captions to score against; give references of these "
        "images with --references, or another split with --split"
    )
    references = ("--references", scenes / "captions_test.json", "--metrics", "ROUGE_L")
    assert clcap("evaluate", out, *references).status == 0
    assert clcap("self-retrieve", chain / "nt.pt", *given, "--device", "cpu").status == 0
    small = ("--hidden", 8, "--embedding", 8, "--epochs", 1, "--device", "cpu")
    assert clcap("train-mle", captions, features, "--out", chain / "new.pt", *small).status == 0


def test_a_file_without_training_captions_is_not_trained_on(chain: Path, error_of) -> None:
    """captions.h5 that another program changed."""
    with h5py.File(chain / "captions.h5", "a") as file:
        splits = file["images/split"].asstr()[:]
        image = file["captions/image"][:]
        first = int(np.flatnonzero(splits == "train")[0])
        image[image == first] = first + 1
        file["captions/image"][:] = image
    assert error_of("train-mle", chain / "captions.h5", chain / "features.h5", "--out", chain / "x.pt") == (
        f"{chain}/captions.h5: images of split 'train' have no captions; training needs them"
    )
