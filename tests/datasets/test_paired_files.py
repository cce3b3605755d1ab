"""Images with a text beside each are read from folders and from WebDataset's tar archives alike."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from clcap_cli.datasets.readers import read_captions
from clcap_cli.errors import ClcapError

IMAGE = b"\xff\xd8\xff"
FILES = {"a.jpg": IMAGE, "a.txt": b"a dog\n\n the dog \n", "sub/b.PNG": IMAGE, "sub/b.caption": b"a cat"}
FOUND = [("a.jpg", "a.jpg", None, ["a dog", "the dog"]), ("sub/b.PNG", "sub/b.PNG", None, ["a cat"])]


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_tar_gz(path: Path, files: dict[str, bytes]) -> Path:
    path.write_bytes(gzip.compress(write_tar(path, files).read_bytes()))
    return path


def write_shards(path: Path, files: dict[str, bytes]) -> Path:
    """A folder of archives with an image and its text each."""
    path.mkdir()
    stems = {name.rpartition(".")[0] for name in files}
    for number, stem in enumerate(sorted(stems)):
        own = {name: content for name, content in files.items() if name.rpartition(".")[0] == stem}
        write_tar(path / f"{number:05}.tar", own)
    return path


WAYS = [write_folder, write_tar, write_tar_gz, write_shards]
Write = Callable[[Path, dict[str, bytes]], Path]


def images_in(path: Path) -> list[tuple]:
    return [(one.id, one.file_name, one.split, one.captions) for one in read_captions(path).records]


def refusal(path: Path) -> str:
    with pytest.raises(ClcapError) as error:
        read_captions(path)
    return str(error.value).replace(str(path), "data")


@pytest.mark.parametrize("write", WAYS)
def test_each_line_of_a_text_is_a_caption_of_its_image(tmp_path: Path, write: Write) -> None:
    assert images_in(write(tmp_path / "data", FILES)) == FOUND


@pytest.mark.parametrize("write", WAYS)
def test_a_json_object_may_hold_the_captions(tmp_path: Path, write: Write) -> None:
    about = {"caption": "a dog", "url": "http://x.com/a.jpg", "key": "000", "width": 5}
    path = write(tmp_path / "data", {"000.jpg": IMAGE, "000.json": json.dumps(about).encode()})
    assert images_in(path) == [("000.jpg", "000.jpg", None, ["a dog"])]


@pytest.mark.parametrize("write", [write_folder, write_tar])
def test_what_is_left_out_is_counted_and_named(tmp_path: Path, write: Write) -> None:
    more = {"._a.jpg": b"x", "__MACOSX/a.jpg": b"x", "c.jpg": IMAGE, "d.txt": b"alone", "readme.md": b"x"}
    more |= {"a.json": b'{"width": 5}'}
    file = read_captions(write(tmp_path / "data", FILES | more))
    assert len(file.records) == 2
    (note,) = file.notes
    assert note.startswith("left out: 1 image without a text, such as c.jpg, 1 text without an image, such as d.txt, ")
    assert "1 .md file" in note and ("hidden" in note)


@pytest.mark.parametrize("write", [write_folder, write_tar])
def test_folders_named_like_splits_give_the_splits(tmp_path: Path, write: Write) -> None:
    files = {f"{split}/a.{suffix}": b"a dog" for split in ("train", "valid", "test") for suffix in ("jpg", "txt")}
    splits = {one.file_name: one.split for one in read_captions(write(tmp_path / "data", files)).records}
    assert splits == {"train/a.jpg": "train", "valid/a.jpg": "val", "test/a.jpg": "test"}


@pytest.mark.parametrize("write", [write_folder, write_tar])
def test_images_without_any_text_are_refused(tmp_path: Path, write: Write) -> None:
    assert refusal(write(tmp_path / "data", {"a.jpg": IMAGE, "readme.txt": b"about"})) == (
        "data: none of its 1 image has a text with captions beside it, such as a.txt or a.caption for a.jpg"
    )


@pytest.mark.parametrize("write", [write_folder, write_tar])
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b" \n", "data/a.txt contains no caption; write one, or remove the file"),
        ("a.txt", b"a p\xeache", "data/a.txt is not UTF-8 text: line 1 contains the byte 0xea; if it is text, "),
        ("a.json", b'{"caption"', "data/a.json is not valid JSON at line 1, column 11: "),
        ("a.json", b'{"caption": 5}', "data: a.json, column 'captions': a number is not a caption"),
    ],
)
def test_a_wrong_text_is_named(tmp_path: Path, write: Write, name: str, content: bytes, reason: str) -> None:
    assert refusal(write(tmp_path / "data", {"a.jpg": IMAGE, name: content})).startswith(reason)


def test_an_empty_folder_is_described(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith("data is not a caption file of a known format: it is a folder ")


def test_links_and_names_outside_of_an_archive_are_left_out(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", FILES | {"../e.jpg": IMAGE, "/f.txt": b"x"})
    with tarfile.open(path, "a") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            link = tarfile.TarInfo(f"g{kind.decode()}.jpg")
            link.type, link.linkname = kind, "/etc/passwd"
            archive.addfile(link)
    file = read_captions(path)
    assert [one.file_name for one in file.records] == ["a.jpg", "sub/b.PNG"]
    assert file.notes == ["left out: 2 outside paths, 2 links, 2 special files"]


def test_an_image_in_two_shards_is_refused(tmp_path: Path) -> None:
    for name in ("0.tar", "1.tar"):
        write_tar(tmp_path / name, FILES)
    assert refusal(tmp_path) == "data/0.tar and data/1.tar both contain a.jpg; give each file its own name"


@pytest.mark.parametrize("end", [600, 1100, 2048])
def test_a_cut_archive_is_refused(tmp_path: Path, end: int) -> None:
    path = write_tar(tmp_path / "x.tar", FILES)
    path.write_bytes(path.read_bytes()[:end])
    assert refusal(path).startswith("data is not a readable tar archive: ")
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert refusal(path).startswith("data is not a readable tar archive: ")


def test_links_to_texts_outside_are_left_out(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder", {**FILES, "c.jpg": IMAGE, "d.jpg": IMAGE})
    (tmp_path / "secret").write_text("password\n")
    (folder / "c.txt").symlink_to("../secret")
    (folder / "d.txt").symlink_to("a.txt")
    (folder / "a.jpg").unlink()
    (tmp_path / "a.jpg").write_bytes(IMAGE)
    (folder / "a.jpg").symlink_to(tmp_path / "a.jpg")
    (tmp_path / "link").symlink_to(folder)
    table = read_captions(tmp_path / "link")
    assert {one.file_name: one.captions for one in table.records}["d.jpg"] == ["a dog", "the dog"]
    assert "password" not in str(table.records)
    assert "left out: 1 image without a text, such as c.jpg, 1 link to a file outside the folder, such as c.txt" in str(
        table
    )


def test_a_folder_of_outside_links_says_so(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder", {"c.jpg": IMAGE})
    (folder / "c.txt").symlink_to("/etc/passwd")
    with pytest.raises(ClcapError) as error:
        read_captions(folder)
    assert str(error.value) == (
        f"{folder}: none of its 1 image has a text with captions beside it, such as a.txt or a.caption for a.jpg; "
        "c.txt is a link to a file outside the folder, which is not read; copy it here"
    )
