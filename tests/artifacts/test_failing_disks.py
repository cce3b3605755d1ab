"""Disks that fail while a file is written: the message has the cause, and the old files stay."""

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from clcap_cli.artifacts.atomic import all_or_nothing, atomic_write, check_free_space, write_text
from clcap_cli.errors import ClcapError

REASONS = {
    errno.ENOSPC: "No space left on device",
    errno.EDQUOT: "Disk quota exceeded",
    errno.EROFS: "Read-only file system",
    errno.EACCES: "Permission denied",
    errno.EIO: "Input/output error",
}


def fail_with(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("operation", ["fsync", "replace"])
@pytest.mark.parametrize("number", REASONS)
def test_an_error_names_its_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, number: int) -> None:
    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os, operation, fail_with(number))
    for write in (write_text, written_in_group):
        with pytest.raises(ClcapError) as error:
            write(tmp_path / "a", "new")
        assert str(error.value) == f"{tmp_path / 'a'} cannot be written: {REASONS[number]}"
        assert contents(tmp_path) == {"a": "old"}


def written_in_group(path: Path, text: str) -> None:
    with all_or_nothing():
        write_text(path, text)


def test_a_folder_that_was_removed_is_named(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "a"
    out.parent.mkdir()
    with pytest.raises(ClcapError) as error, atomic_write(out) as part:
        part.write_text("new")
        shutil.rmtree(out.parent)
    assert str(error.value) == f"{out} cannot be written: its folder was removed"
    with pytest.raises(ClcapError, match="a cannot be written: its folder was removed"):
        write_text(out, "new")


def test_an_unreadable_input_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="input"), atomic_write(tmp_path / "a"):
        (tmp_path / "input").read_text()
    assert contents(tmp_path) == {}


def test_an_error_after_the_first_of_several_files_says_so(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(ClcapError) as error, all_or_nothing():
        for name in ("a", "b", "c"):
            write_text(tmp_path / name, "new")
        (tmp_path / "b").mkdir()
    assert str(error.value) == f"{tmp_path}/b cannot be written: Is a directory; already written: {tmp_path}/a"
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_missing_space_is_noticed_before_the_first_byte(tmp_path: Path) -> None:
    with pytest.raises(ClcapError) as error:
        check_free_space(tmp_path / "features.h5", 1e12)
    assert str(error.value).startswith(
        f"{tmp_path}/features.h5 needs 1,000,000,000,000.0 MiB, but the disk of {tmp_path}"
    )
    check_free_space(tmp_path / "features.h5", 0.001)


MOUNT = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && "$@"'


@pytest.mark.parametrize("options", ["size=28k", "size=1m,ro"])
def test_a_real_disk_that_is_full_or_read_only(tmp_path: Path, shared_chain: Path, options: str) -> None:
    """The disk is a tmpfs, where the machine allows mounting one."""
    disk, train = tmp_path / "disk", shared_chain / "scenes" / "captions_train.json"
    disk.mkdir()
    on_disk = ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh", options, str(disk)]
    if subprocess.run([*on_disk, "true"], capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    command = [sys.executable, "-m", "clcap_cli", "prepare-captions", "--train", train, "--out", disk / "c.h5"]
    result = subprocess.run([*on_disk, *command], capture_output=True, text=True)
    reason = f"{disk} is on a read-only file system" if "ro" in options else "No space left on device"
    assert result.stderr.splitlines()[-1] == f"error: {disk}/c.h5 cannot be written: {reason}"
    assert result.returncode == 1


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("prepare-captions --train scenes/captions_train.json --min-count 1 --out new.h5", "new.h5"),
        ("make-scenes new", "new/images"),
        ("self-retrieve nt.pt --full-matrix m.h5 --device cpu", "m.h5"),
        ("extract-features captions.h5 --images scenes/images --image-size 64 --out new.h5", "new.h5"),
    ],
)
def test_stages_need_their_space_before_they_write(
    error_of: Callable[..., str], chain: Path, monkeypatch: pytest.MonkeyPatch, command: str, output: str
) -> None:
    monkeypatch.chdir(chain)
    before = {path.name for path in chain.iterdir() if path.name != "new"}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    folder = (chain / output).parent
    message = error_of(*command.split())
    assert re.fullmatch(rf"{output} needs [\d.]+ MiB, but the disk of {folder} has only 0\.0 MiB free", message)
    assert {path.name for path in chain.iterdir() if path.name != "new"} == before
