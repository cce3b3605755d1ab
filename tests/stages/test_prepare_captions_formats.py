"""prepare-captions with folders, archives, and lists of images, from the command line."""

from pathlib import Path

import pytest

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.features.image_finder import find_images, open_stores
from tests.datasets.test_paired_files import write_folder, write_tar

TOKENS = "".join(f"{name}.jpg#{at}\ta dog {name}\n" for name in ("a", "b", "c", "d") for at in range(2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with Flickr8k's files: captions of four images, of which three are in lists."""
    write_folder(tmp_path, {"tokens.txt": TOKENS.encode(), "train.txt": b"a.jpg\nb\n", "dev.txt": b"c.jpg\r\n"})
    return tmp_path


def test_lists_of_images_divide_a_dataset_into_splits(clcap, folder: Path) -> None:
    out = folder / "c.h5"
    result = clcap(
        "prepare-captions", folder / "tokens.txt", "--train", folder / "train.txt", "--val", folder / "dev.txt",
        "--min-count", 1, "--out", out,
    )  # fmt: skip
    assert result.status == 0, result.err
    opened = open_captions(out)
    assert dict(zip(opened.image_ids, opened.splits, strict=True)) == {
        "a.jpg": "train",
        "b.jpg": "train",
        "c.jpg": "val",
    }
    assert "6 rows, 3 images, 6 captions; left out: 1 image in no list" in result.err
    assert [source.role for source in opened.provenance.inputs] == ["dataset", "train", "val"]


def test_a_listed_image_that_the_dataset_lacks_is_named(clcap, folder: Path) -> None:
    (folder / "train.txt").write_text("a.jpg\nz.jpg\n")
    arguments = ("--train", folder / "train.txt", "--min-count", 1, "--out", folder / "c.h5")
    result = clcap("prepare-captions", folder / "tokens.txt", *arguments)
    assert result.status == 0
    assert f"not in the dataset: 1 image of {folder / 'train.txt'}, z.jpg" in result.err


@pytest.mark.parametrize(
    ("train", "reason"),
    [
        ("c.jpg\n", "dev.txt: image c.jpg is also listed for the split train; list it once"),
        ("x.jpg\ny.jpg\n", "train.txt: none of its 2 lines is an image of "),
        ("", "train.txt: none of its 0 lines is an image of "),
        (TOKENS, "train.txt: none of its 8 lines is an image of "),
    ],
)
def test_a_wrong_list_is_refused(error_of, folder: Path, train: str, reason: str) -> None:
    (folder / "train.txt").write_text(train)
    arguments = ("--train", folder / "train.txt", "--val", folder / "dev.txt")
    message = error_of("prepare-captions", folder / "tokens.txt", *arguments)
    assert message.startswith(f"{folder}/{reason}")


def test_lists_beside_a_dataset_with_splits_are_refused(error_of, folder: Path) -> None:
    (folder / "t.csv").write_text("image,caption,split\na.jpg,a dog,train\n")
    message = error_of("prepare-captions", folder / "t.csv", "--train", folder / "train.txt")
    assert message == (f"{folder / 't.csv'} gives the split of each image; pass it without --train, --val and --test")


@pytest.mark.parametrize("write", [write_folder, write_tar])
def test_the_captions_of_a_folder_of_images_know_where_these_are(clcap, tmp_path: Path, write) -> None:
    files = {
        name: content
        for split in ("train", "val")
        for name, content in ((f"{split}/a.png", b"x"), (f"{split}/a.txt", f"a red {split}\na square\n".encode()))
    }
    data, captions = write(tmp_path / "data.tar", files), tmp_path / "c.h5"
    result = clcap("prepare-captions", data, "--min-count", 1, "--out", captions)
    assert result.err.splitlines()[-1].startswith(f"next: clcap extract-features {captions} --images {data}")
    opened = open_captions(captions)
    assert (opened.image_ids, opened.raw[:2]) == (["train/a.png", "val/a.png"], ["a red train", "a square"])
    names = dict(zip(opened.image_ids, opened.file_names, strict=True))
    assert len(find_images(open_stores([data]), names).files) == 2
    shown = clcap("show", captions)
    assert shown.status == 0 and "changed since" not in shown.out
    if data.is_dir():
        (data / "val" / "a.txt").write_text("a red square")
        assert "changed since" in clcap("show", captions).out


def test_inspect_describes_a_folder(clcap, tmp_path: Path) -> None:
    write_folder(tmp_path, {"a.jpg": b"x", "a.caption": b"a dog", "b.jpg": b"x"})
    result = clcap("inspect", tmp_path)
    assert result.status == 0
    assert "format:   folder of images and texts" in result.out
    assert "left out: 1 image without a text, such as b.jpg" in result.out
    assert "a dog" in result.out


def test_a_missing_file_and_an_empty_folder_are_refused(error_of, tmp_path: Path) -> None:
    assert error_of("prepare-captions", tmp_path / "no") == f"no such file: {tmp_path / 'no'}"
    assert "it is a folder" in error_of("prepare-captions", tmp_path)
