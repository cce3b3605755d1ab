import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clcap_cli.artifacts.atomic import all_or_nothing, atomic_write, check_writable
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.results import write_caption_results
from clcap_cli.errors import ClcapError


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Limit the size of files to ``size`` bytes within the block."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.json") as part:
        part.write_text("new")
        assert not (tmp_path / "a.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_group_within_a_group_appears_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="late"), all_or_nothing():
        with all_or_nothing():
            write(tmp_path / "a", "new")
        assert not (tmp_path / "a").exists()
        raise OSError("late")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ClcapError, ValueError])
def test_an_interruption_leaves_only_the_old_file(tmp_path: Path, interruption: type) -> None:
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(interruption), atomic_write(tmp_path / "a.json") as part:
        part.write_text("half")
        raise interruption
    assert (tmp_path / "a.json").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_folder_is_created_and_left_empty(tmp_path: Path) -> None:
    check_writable(tmp_path / "runs" / "a.pt")
    assert list((tmp_path / "runs").iterdir()) == []


def write(path: Path, text: str) -> None:
    with atomic_write(path) as part:
        part.write_text(text)


def test_files_of_a_group_appear_together(tmp_path: Path) -> None:
    with all_or_nothing():
        write(tmp_path / "a", "new")
        write(tmp_path / "b", "new")
        assert not (tmp_path / "a").exists()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "new", "b": "new"}


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ClcapError, OSError])
def test_an_interrupted_group_of_files_writes_none(tmp_path: Path, interruption: type) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(interruption), all_or_nothing():
        write(tmp_path / "a", "new")
        write(tmp_path / "b", "new")
        raise interruption
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}


def test_a_file_that_fails_does_not_affect_the_others(tmp_path: Path) -> None:
    with all_or_nothing():
        write(tmp_path / "a", "new")
        with pytest.raises(ClcapError, match="b cannot be written: File too large"), file_size_limit(2):
            write(tmp_path / "b", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_results_without_their_provenance_are_not_written(tmp_path: Path) -> None:
    with file_size_limit(200), pytest.raises(ClcapError, match=r"x\.captions\.provenance\.json cannot be written"):
        write_caption_results(tmp_path / "x.captions.json", {1: ["a dog"]}, Origin("test", {}))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_at_fsync_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ClcapError, match="a cannot be written: No space left on device"):
        write(tmp_path / "a", "new")
    with pytest.raises(ClcapError, match="b cannot be written: No space left on device"), all_or_nothing():
        write(tmp_path / "b", "new")
    assert list(tmp_path.iterdir()) == []


def test_another_name_of_the_same_file_is_not_left(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("whole")
    with atomic_write(tmp_path / "a") as part:
        part.hardlink_to(tmp_path / "a")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "whole"}
