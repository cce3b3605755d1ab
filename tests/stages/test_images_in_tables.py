"""prepare-captions writes the images that Parquet files hold to a folder beside captions.h5."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.hidden_files import temporary_path
from clcap_cli.artifacts.image_folder import MARKER
from clcap_cli.errors import ClcapError
from clcap_cli.features.image_finder import find_images, open_stores


def picture(color: str, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), color).save(file, kind)
    return file.getvalue()


RED, BLUE, GREEN = picture("red"), picture("blue", "JPEG"), picture("green", "WEBP")
Prepare = Callable[..., Path]


@pytest.fixture
def prepare(clcap, tmp_path: Path) -> Prepare:
    """Write rows as a Parquet file, prepare its captions, and return captions.h5."""

    def run(rows: list[dict], *arguments: object, name: str = "train-00.parquet") -> Path:
        table = pyarrow.Table.from_pylist([{"split": "train", "caption": "a dog", **row} for row in rows])
        pyarrow.parquet.write_table(table, tmp_path / name, row_group_size=1)
        result = clcap("prepare-captions", tmp_path / name, "--min-count", 1, "--out", tmp_path / "c.h5", *arguments)
        if result.status:
            raise ClcapError(result.err)
        run.messages = result.err
        return tmp_path / "c.h5"

    return run


def images_beside(captions: Path) -> dict[str, bytes]:
    """The files in the folder of images, by path, without the hidden list of them."""
    folder = captions.with_suffix(".images")
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MARKER)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_images_with_paths_are_written_under_their_paths(prepare: Prepare) -> None:
    rows = [{"image": {"bytes": RED, "path": "x/red.png"}}, {"image": {"bytes": BLUE, "path": "blue.jpg"}}]
    captions = prepare(rows)
    assert images_beside(captions) == {"x/red.png": RED, "blue.jpg": BLUE}
    assert open_captions(captions).image_ids == ["x/red.png", "blue.jpg"]
    assert "c.images/: 2 images written from the tables" in prepare.messages
    assert prepare.messages.splitlines()[-1].startswith("next: clcap extract-features ")
    assert "--images " + str(captions.with_suffix(".images")) in prepare.messages


@pytest.mark.parametrize("cell", [lambda content: content, lambda content: {"bytes": content, "path": None}])
def test_images_without_paths_are_named_by_row(prepare: Prepare, cell: Callable) -> None:
    captions = prepare([{"image": cell(content)} for content in (RED, BLUE, RED, GREEN)])
    expected = {"train-00-000001.png": RED, "train-00-000002.jpg": BLUE, "train-00-000004.webp": GREEN}
    assert images_beside(captions) == expected
    assert open_captions(captions).image_ids == list(expected)


def test_the_written_images_are_found_for_the_features(prepare: Prepare) -> None:
    images = {7: {"bytes": RED, "path": None}, 8: {"bytes": BLUE, "path": "/data/x.jpg"}}
    captions = prepare([{"id": id, "image": image} for id, image in images.items()])
    opened = open_captions(captions)
    names = dict(zip(opened.image_ids, opened.file_names, strict=True))
    found = find_images(open_stores([captions.with_suffix(".images")]), names)
    assert {id: file.read_bytes() for id, file in found.files.items()} == {7: RED, 8: BLUE}
    assert not found.note()


def test_another_column_may_name_the_images(prepare: Prepare) -> None:
    captions = prepare([{"filename": "a.png", "image": {"bytes": RED, "path": None}}])
    assert open_captions(captions).image_ids == ["a.png"]
    assert images_beside(captions) == {"a.png": RED}


@pytest.mark.parametrize("path", ["../../out.png", "/etc/out.png", "C:\\x\\out.png", "a/../../out.png"])
def test_paths_do_not_leave_the_folder(prepare: Prepare, tmp_path: Path, path: str) -> None:
    captions = prepare([{"image": {"bytes": RED, "path": path}}])
    (name,) = images_beside(captions)
    assert name.endswith("out.png")
    assert {one.name for one in tmp_path.iterdir()} == {"c.h5", "c.images", "train-00.parquet"}


def test_different_images_with_the_same_path_stay_apart(prepare: Prepare) -> None:
    captions = prepare([{"image": {"bytes": content, "path": "image.jpg"}} for content in (RED, BLUE, RED)])
    assert images_beside(captions) == {"image.jpg": RED, "image-000002.jpg": BLUE}


def test_only_the_images_of_the_dataset_are_written(prepare: Prepare) -> None:
    rows = [{"image": {"bytes": RED, "path": "a.png"}}, {"image": {"bytes": BLUE, "path": "b.png"}}]
    assert set(images_beside(prepare(rows, "--limit", 1))) == {"a.png"}


def test_a_second_run_replaces_only_its_own_folder(prepare: Prepare) -> None:
    prepare([{"image": {"bytes": RED, "path": "a.png"}}])
    captions = prepare([{"image": {"bytes": BLUE, "path": "b.png"}}])
    assert images_beside(captions) == {"b.png": BLUE}
    (captions.with_suffix(".images") / "mine.png").write_bytes(RED)
    with pytest.raises(ClcapError, match=r"contains files that clcap did not write: mine\.png; move them"):
        prepare([{"image": {"bytes": RED, "path": "a.png"}}])
    assert set(images_beside(captions)) == {"b.png", "mine.png"}


def test_a_folder_of_the_user_is_never_replaced(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "c.images").mkdir()
    with pytest.raises(ClcapError, match=r"c\.images exists and was not written by clcap"):
        prepare([{"image": {"bytes": RED, "path": "a.png"}}])
    assert {one.name for one in tmp_path.iterdir()} == {"c.images", "train-00.parquet"}


def test_what_a_killed_run_left_is_removed(prepare: Prepare, tmp_path: Path) -> None:
    left = temporary_path(tmp_path / "c.images")
    left.mkdir()
    (left / "a.png").write_bytes(RED)
    prepare([{"image": {"bytes": BLUE, "path": "b.png"}}])
    assert f"left by an interrupted run: {left.name}" in prepare.messages
    assert {one.name for one in tmp_path.iterdir()} == {"c.h5", "c.images", "train-00.parquet"}


def test_a_folder_that_a_killed_run_moved_is_put_back(prepare: Prepare, tmp_path: Path) -> None:
    captions = prepare([{"image": {"bytes": RED, "path": "a.png"}}])
    folder = captions.with_suffix(".images")
    (folder / "mine.png").write_bytes(GREEN)
    folder.rename(tmp_path / ".c.images.old")
    with pytest.raises(ClcapError, match=r"contains files that clcap did not write: mine\.png; move them"):
        prepare([{"image": {"bytes": BLUE, "path": "b.png"}}])
    assert images_beside(captions) == {"a.png": RED, "mine.png": GREEN}


def test_a_row_without_image_is_named_and_one_without_bytes_counted(prepare: Prepare) -> None:
    with pytest.raises(ClcapError, match="row 2, column 'image': it is empty"):
        prepare([{"image": {"bytes": RED, "path": "a.png"}}, {"image": None}])
    captions = prepare([{"image": {"bytes": RED, "path": "a.png"}}, {"image": {"bytes": None, "path": "b.png"}}])
    assert images_beside(captions) == {"a.png": RED}
    assert "1 images have no bytes in the tables: b.png" in prepare.messages


def test_evaluate_writes_no_images(prepare: Prepare, clcap, tmp_path: Path) -> None:
    prepare([{"image": {"bytes": RED, "path": "a.png"}}])
    for path in (tmp_path / "c.images").iterdir():
        path.unlink()
    (tmp_path / "c.images").rmdir()
    (tmp_path / "p.json").write_text(json.dumps({"a.png": "a dog runs"}))
    arguments = ("--predictions", tmp_path / "p.json", "--references", tmp_path / "train-00.parquet")
    assert clcap("evaluate", *arguments, "--metrics", "rouge_l", "--out", tmp_path / "m.json").status == 0
    assert not (tmp_path / "c.images").exists()
