"""Every stage reports the true reason why a file cannot be read."""

import ctypes
import os
import socket
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from clcap_cli.features.images import UnreadableImageError, open_rgb
from clcap_cli.input_files import check_readable
from tests.conftest import CLCAP

READERS = [
    ("prepare-captions", "--train", "x.json"),
    ("prepare-captions", "x.csv"),
    ("prepare-captions", "x.jsonl"),
    ("prepare-captions", "x.parquet"),
    ("train-mle", "x.h5", "x.h5"),
    ("train-cl", "--ref", "x.pt"),
    ("caption", "x.pt"),
    ("evaluate", "x.json"),
    ("evaluate", "--predictions", "x.csv", "--references", "x.csv"),
    ("compare", "x.metrics.json"),
    ("report", "x.metrics.json"),
    ("report", "x.log.jsonl"),
    ("show", "x.h5"),
    ("show", "x.pt"),
    ("show", "x.json"),
]
OF_EACH_KIND = [("prepare-captions", "x.csv"), ("show", "x.h5"), ("show", "x.pt"), ("evaluate", "x.json")]
FOLDER_READERS = ("prepare-captions", "evaluate")
"""Stages that also read folders of images."""
readers = pytest.mark.parametrize("words", READERS, ids=" ".join)


@readers
def test_a_folder_instead_of_a_file_is_reported(error_of, tmp_path: Path, monkeypatch, words) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / words[-1]).mkdir()
    if words[0] in FOLDER_READERS:
        known = "it is a folder without images that have texts, and without tar archives. Known formats: "
        assert known in error_of(*words)
    else:
        assert error_of(*words) == f"{words[-1]} is a folder; a file is expected here"


@readers
def test_a_named_pipe_is_refused(error_of, tmp_path: Path, monkeypatch, words) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(words[-1])
    assert error_of(*words) == f"{words[-1]} is not a regular file; save its output to a file first"


@readers
def test_a_file_name_that_is_too_long_is_reported(error_of, tmp_path: Path, monkeypatch, words) -> None:
    monkeypatch.chdir(tmp_path)
    long = "x" * 300 + words[-1]
    assert error_of(*[long if word == words[-1] else word for word in words]) == (
        f"{long} cannot be read: File name too long"
    )


@pytest.mark.parametrize("words", [*OF_EACH_KIND, ("caption", "nt.pt", "--images", "x.png")], ids=" ".join)
def test_a_file_without_permission_is_not_called_damaged(chain: Path, words) -> None:
    (chain / words[-1]).touch(mode=0)
    result = subprocess.run(
        [*CLCAP, *words], cwd=chain, capture_output=True, text=True, preexec_fn=obey_permissions, env=os.environ
    )
    assert (result.returncode, result.stderr) == (1, f"error: {words[-1]} cannot be read: Permission denied\n")


def obey_permissions() -> None:
    """Drop the two capabilities that let root read every file."""
    libc, drop_right = ctypes.CDLL(None), 24
    for right in (1, 2):
        libc.prctl(drop_right, right, 0, 0, 0)


def test_devices_and_sockets_are_refused(error_of, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert error_of("show", "/dev/zero") == "/dev/zero is not a regular file; save its output to a file first"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("x.json")
        assert error_of("evaluate", "x.json") == "x.json is not a regular file; save its output to a file first"


def test_a_symbolic_link_to_itself_is_reported(error_of, tmp_path: Path) -> None:
    (tmp_path / "x.json").symlink_to(tmp_path / "x.json")
    reason = "cannot be read: Too many levels of symbolic links"
    assert error_of("show", tmp_path / "x.json") == f"{tmp_path}/x.json {reason}"


def test_a_path_with_a_nul_byte_is_refused() -> None:
    with pytest.raises(Exception, match="cannot be read: embedded null byte"):
        check_readable(Path("a\0b"))


def test_images_that_are_pipes_or_folders_are_refused(chain: Path, error_of, clcap) -> None:
    images = chain / "scenes" / "images"
    arguments = (
        "extract-features",
        chain / "captions.h5",
        "--images",
        images,
        "--image-size",
        64,
        "--out",
        chain / "f.h5",
    )
    pipe, folder = images / "0_000007.png", images / "0_000009.png"
    for path in (pipe, folder):
        path.unlink()
    os.mkfifo(pipe)
    folder.mkdir()
    assert error_of(*arguments) == (
        f"2 of 42 images cannot be read: {folder} is a folder; a file is expected here; "
        f"{pipe} is not a regular file; save its output to a file first; leave such images out with --skip-bad"
    )
    result = clcap(*arguments, "--skip-bad")
    assert result.status == 0
    assert f"7: {pipe} is not a regular file" in result.err and f"9: {folder} is a folder" in result.err
    assert error_of("caption", chain / "nt.pt", "--images", pipe) == (
        f"{pipe} is not a regular file; save its output to a file first"
    )


def test_a_missing_image_is_called_missing(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match=r"^no such file: .*a\.png$"):
        open_rgb(tmp_path / "a.png")


def test_a_folder_named_like_an_image_is_searched(chain: Path, clcap) -> None:
    holiday = chain / "holiday"
    (holiday / "day.jpg").mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(holiday / "day.jpg" / "a.png")
    result = clcap("caption", chain / "nt.pt", "--images", holiday, "--device", "cpu")
    assert result.status == 0, result.err
    assert f'"{holiday}/day.jpg/a.png"' in Path(result.out.strip()).read_text()


def test_a_circular_link_is_refused(error_of, chain: Path) -> None:
    circle = chain / "x.json"
    circle.symlink_to(circle)
    reason = "cannot be read: Too many levels of symbolic links"
    assert error_of("compare", circle, "--out", chain / "y.json") == f"{circle} {reason}"
    message = f"{circle} cannot be written: it is a link that leads back to itself; delete it"
    assert error_of("caption", chain / "nt.pt", "--device", "cpu", "--out", circle) == message
    assert circle.is_symlink()


def test_file_names_that_are_not_utf8(chain: Path, clcap, error_of, monkeypatch) -> None:
    holiday = chain / "holiday"
    holiday.mkdir()
    image = holiday / os.fsdecode(b"caf\xe9.png")
    Image.new("RGB", (64, 64)).save(image)
    assert error_of("caption", chain / "nt.pt", "--images", holiday) == (
        f"the name {holiday}/caf\\udce9.png is not valid UTF-8, so it cannot be an id; rename the file"
    )
    here = chain.rename(chain.with_name(os.fsdecode(b"caf\xe9")))
    monkeypatch.chdir(here)
    result = clcap("caption", "nt.pt", "--device", "cpu", "--out", here.with_name("out.json"))
    assert result.status == 0, result.err
    assert "checkpoint: caf?/nt.pt  (not there now)" in clcap("show", here.with_name("out.json")).out
