"""Names of images, and what lies in folders and archives of images, lead nowhere else."""

import os
from pathlib import Path

import pytest
from PIL import Image

from clcap_cli.errors import ClcapError
from clcap_cli.features.image_check import SkippedImages, check_headers
from clcap_cli.features.image_finder import find_images, open_stores
from clcap_cli.features.image_stores import open_store
from tests.reliability.test_hostile_caption_files import tar_header


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with an image, a link to another, and what are no images."""
    folder = tmp_path / "images"
    (folder / "folder.jpg").mkdir(parents=True)
    for path in (folder / "a.jpg", tmp_path / "outside.jpg"):
        Image.new("RGB", (8, 8)).save(path)
    os.mkfifo(folder / "pipe.jpg")
    for name, target in {"zero": "/dev/zero", "loop": "loop.jpg", "gone": "/gone", "link": "../outside.jpg"}.items():
        (folder / f"{name}.jpg").symlink_to(target)
    return folder


def reason(folder: Path, name: str) -> str:
    """Why the image called ``name`` is not read, without the folder; empty if it is."""
    found = find_images(open_stores([folder]), {1: name})
    skipped = SkippedImages(1, skip_bad=True)
    check_headers(found.files, skipped)
    return {**found.missing, **skipped.reasons}.get(1, "").replace(f"{folder}/", "").replace(str(folder), "FOLDER")


REASONS = {
    "a.jpg": "",
    "link.jpg": "",
    "pipe.jpg": "pipe.jpg is not a regular file; save its output to a file first",
    "zero.jpg": "zero.jpg is not a regular file; save its output to a file first",
    "loop.jpg": "loop.jpg cannot be read: Too many levels of symbolic links",
    "gone.jpg": "no such file: gone.jpg",
    "folder.jpg": "folder.jpg is a folder; a file is expected here",
    "../outside.jpg": "'../outside.jpg' is not in FOLDER, and neither is another file of its name",
    "/etc/passwd": "'/etc/passwd' is not in FOLDER, and neither is another file of its name",
    "a\0b.jpg": "a\0b.jpg cannot be read: embedded null byte",
    "x" * 5000: f"{'x' * 5000} cannot be read: File name too long",
}


@pytest.mark.parametrize("name", REASONS, ids=lambda name: ascii(name)[:20])
def test_names_that_lead_elsewhere_are_refused(images: Path, name: str) -> None:
    assert reason(images, name) == REASONS[name]


def test_long_names_and_escapes_in_messages_are_shown_safely(images: Path, tmp_path: Path, clcap) -> None:
    table = tmp_path / "a.csv"
    table.write_text(f"image,caption,split\n{'x' * 5000}.jpg,a dog,train\ny\x1b]0;title\x07\u202e.jpg,a dog,train\n")
    clcap("prepare-captions", table, "--out", tmp_path / "a.h5", "--min-count", 1)
    result = clcap("extract-features", tmp_path / "a.h5", "--images", images, "--out", tmp_path / "b.h5")
    assert result.status == 1
    assert len(result.err) < 2000
    assert not {"\x1b", "\x07", "\u202e"} & {*result.err}
    assert "y\\x1b]0;title\\x07\\u202e.jpg" in result.err


ARCHIVES = {
    "size": (tar_header("a.jpg", 2**60), "Invalid argument"),
    "number": (tar_header("a.jpg", 2**63), "cannot fit 'int' into an offset-sized integer"),
    "long name": (tar_header("././@LongLink", 2**40, b"L"), "empty header"),
    "metadata": (tar_header("a", 2**40, b"x"), "empty header"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives_with_false_sizes_are_refused(tmp_path: Path, kind: str) -> None:
    header, reason = ARCHIVES[kind]
    (tmp_path / "a.tar").write_bytes(header + bytes(4096))
    with pytest.raises(ClcapError) as caught:
        open_store(tmp_path / "a.tar")
    assert str(caught.value) == f"{tmp_path}/a.tar is not a readable tar archive: {reason}; is the file complete?"
