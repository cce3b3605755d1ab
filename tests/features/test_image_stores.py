"""The images of folders and tar archives are listed; everything else in them is counted by kind."""

import io
import os
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from clcap_cli.errors import ClcapError
from clcap_cli.features.image_formats import OptionalFormat, image_suffixes
from clcap_cli.features.image_stores import NOT_A_FILE, is_archive, open_store
from clcap_cli.features.images import has_several_frames, open_rgb


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(content, "PNG")
    return content.getvalue()


def write_tar(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return path


IMAGES = ["A.JPG", "b.jfif", "c.jpe", "day/d.pgm", "e.avif", "no_suffix"]
OTHERS = {
    "._A.JPG": "hidden or system files",
    ".DS_Store": "hidden or system files",
    "day/Thumbs.db": "hidden or system files",
    "a.txt": ".txt",
    "b.TXT": ".txt",
    "README": "files without a suffix",
    "clip.mp4": ".mp4",
}


def test_a_folder_lists_images_and_counts_the_rest(tmp_path: Path) -> None:
    for name in (*IMAGES, *OTHERS, "__MACOSX/._b.jpg", ".git/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(picture() if name == "no_suffix" else b"")
    (tmp_path / "link").symlink_to(tmp_path / "day")
    listing = open_store(tmp_path).listing
    assert listing.images == {name: tmp_path / name for name in IMAGES}
    assert listing.summary() == (
        "3 hidden or system files, 2 hidden folders, 2 .txt, 1 links to folders, 1 files without a suffix, 1 .mp4"
    )


def test_a_tar_archive_lists_images_and_counts_the_rest(tmp_path: Path) -> None:
    files = {name: picture() if name == "no_suffix" else b"" for name in (*IMAGES, *OTHERS)}
    outside = dict.fromkeys(("/etc/x.png", "../y.png", "a/../../z.png"), b"")
    path = write_tar(tmp_path / "shard.tar", {**files, **outside}, {"link.png": "/etc/passwd"})
    listing = open_store(path).listing
    assert {name: str(file) for name, file in listing.images.items()} == {name: f"{path}/{name}" for name in IMAGES}
    assert listing.left_out[NOT_A_FILE] == 4
    assert listing.left_out[".txt"] == 2


def test_images_in_a_tar_archive_are_read(tmp_path: Path) -> None:
    store = open_store(write_tar(tmp_path / "shard.tar", {"./day/a.png": picture(), "b.png": b"<html>"}))
    image = store.get("day/a.png")
    assert image is not None
    assert not has_several_frames(image)
    assert open_rgb(image).getpixel((0, 0)) == (255, 0, 0)
    with pytest.raises(ClcapError, match=r"shard\.tar/b\.png is not a readable image: it is an HTML page"):
        open_rgb(store.listing.images["b.png"])
    assert store.get("c.png") is None


def test_a_format_without_reader_is_counted_with_its_command(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(OptionalFormat, "is_readable", False)
    image_suffixes.cache_clear()
    for name in ("a.heic", "b.HEIC", "c.avif", "d.png"):
        (tmp_path / name).write_bytes(b"")
    listing = open_store(tmp_path).listing
    image_suffixes.cache_clear()
    assert listing.images.keys() == {"d.png"}
    assert listing.summary() == (
        "2 .heic (to read them: pip install 'clcap[heif]'), 1 .avif (to read them: pip install 'pillow>=11.3')"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tar.gz", b"\x1f\x8b\x08\0", "is compressed with gzip; decompress it, or unpack it and give the folder"),
        ("a.tgz", b"\x1f\x8b\x08\0", "is compressed with gzip"),
        ("a.tar", b"not an archive", "is not a readable tar archive"),
        ("a.csv", b"image,caption", "is a text file that starts with 'image,caption'; images are read from folders"),
        ("a.zip", b"PK\x03\x04", "is a ZIP archive; images are read from folders and tar archives"),
    ],
)
def test_other_files_than_archives_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ClcapError, match=message):
        open_store(tmp_path / name)


def test_an_archive_that_was_cut_is_refused_or_read_in_part(tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "whole.tar", {f"{number}.png": picture() for number in range(3)}).read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: 2 * 1024 + 600])
    with pytest.raises(ClcapError, match=r"cut\.tar"):
        for image in open_store(tmp_path / "cut.tar").listing.images.values():
            open_rgb(image)


def test_pipes_and_images_are_no_archives(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tar")
    (tmp_path / "a.png").write_bytes(picture())
    (tmp_path / "zeros.jpg").write_bytes(bytes(2048))
    assert not any(map(is_archive, tmp_path.iterdir()))
    assert is_archive(write_tar(tmp_path / "no_suffix", {"a.png": picture()}))
