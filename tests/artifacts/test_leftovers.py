"""Temporary files of killed runs are removed by the next run that writes the same output."""

import fcntl
import os
import tempfile
import time
from pathlib import Path

import pytest

from clcap_cli.artifacts.atomic import check_writable
from clcap_cli.artifacts.hidden_files import HOST
from clcap_cli.artifacts.temporary_files import LOCK, temporary_folder
from tests.artifacts.test_output_lock import held_by_another_process

OWN = f".nt.pt.{HOST}-4242.part"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_next_run_removes_them_and_says_so(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    (tmp_path / OWN).write_bytes(bytes(3 * 2**20))
    (tmp_path / ".nt.pt.77.part").write_bytes(b"of an earlier version")
    check_writable(tmp_path / "nt.pt")
    assert names(tmp_path) == set()
    err = capfd.readouterr().err
    assert err.startswith("removed 3.0 MiB left by an interrupted run: ")
    assert OWN in err
    assert ".nt.pt.77.part" in err


def test_files_of_other_outputs_and_of_the_user_stay(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    kept = {
        f".nt.{HOST}-1.part",
        f".nt.pt.gz.{HOST}-1.part",
        ".nt.pt.part",
        ".nt.pt.notes.part",
        "nt.pt.1.part",
        f".nt.pt.{HOST}-1.partial",
    }
    for name in kept:
        (tmp_path / name).touch()
    check_writable(tmp_path / "nt.pt")
    assert names(tmp_path) == kept
    assert capfd.readouterr().err == ""


def test_files_of_another_computer_stay_for_a_day(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    recent, old = ".nt.pt.node7-1.part", ".nt.pt.node8-1.part"
    for name in (recent, old):
        (tmp_path / name).touch()
    yesterday = time.time() - 25 * 3600
    os.utime(tmp_path / old, (yesterday, yesterday))
    check_writable(tmp_path / "nt.pt")
    assert names(tmp_path) == {recent}
    assert capfd.readouterr().err == (
        f"removed 0.0 MiB left by an interrupted run: {old}\n"
        f"warning: 0.0 MiB in {tmp_path} may belong to a run on another computer: {recent}; delete it if no such run "
        "is left\n"
    )


def test_they_are_removed_from_folders_of_many_files(clcap, tmp_path: Path) -> None:
    images = tmp_path / "scenes" / "images"
    images.mkdir(parents=True)
    left, in_use, other = (images / f".{name}.{HOST}-1.part" for name in ("0_1.png", "0_2.png", "notes.txt"))
    for path in (left, in_use, other):
        path.touch()
    with held_by_another_process(images / "0_2.png"):
        result = clcap("make-scenes", tmp_path / "scenes", "--train", 1, "--val", 1, "--test", 1)
    assert result.status == 0
    assert f"removed 0.0 MiB left by an interrupted run: {left.name}\n" in result.err
    assert {path for path in images.iterdir() if path.suffix == ".part"} == {in_use, other}


def test_temporary_folders_of_killed_runs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, not_ours = tmp_path / "clcap-left", tmp_path / "clcap-notes"
    for folder in (left, not_ours):
        folder.mkdir()
    (left / LOCK).touch()
    with temporary_folder() as outer, temporary_folder() as inner:
        assert names(tmp_path) == {outer.name, inner.name, not_ours.name}
        with (outer / LOCK).open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert names(tmp_path) == {not_ours.name}
