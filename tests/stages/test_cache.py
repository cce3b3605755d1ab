"""``cache`` lists and removes what can be computed again, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from clcap_cli.artifacts.hidden_files import HOST, temporary_path
from clcap_cli.artifacts.output_lock import locked
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.errors import ClcapError
from clcap_cli.training.mle_task import MleTask


def dead_process() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def leftover(output: Path, content: bytes, pid: int | None = None, host: str = HOST) -> Path:
    path = output.with_name(f".{output.name}.{host}-{pid or dead_process()}.part")
    path.write_bytes(content)
    return path


@contextmanager
def locked_elsewhere(path: Path) -> Iterator[None]:
    """Let another process hold the lock of ``path`` during the block."""
    ready, end = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        os.close(end[1])
        with locked(path):
            os.write(ready[1], b"1")
            os.read(end[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    try:
        yield
    finally:
        os.close(end[1])
        os.waitpid(pid, 0)
        for descriptor in (*ready, end[0]):
            os.close(descriptor)


def rows(output: str) -> list[str]:
    return [" ".join(line.split()) for line in output.splitlines()]


@pytest.fixture
def folder(shared_chain: Path, tmp_path: Path) -> Path:
    """A folder with a checkpoint and the cache of its log-probabilities."""
    for name in ("nt.pt", "nt.reference.h5"):
        shutil.copy(shared_chain / name, tmp_path / name)
    return tmp_path


def size_of(path: Path) -> str:
    return f"{path.stat().st_size:,}"


def test_the_sizes_add_up_to_the_total(clcap, folder: Path) -> None:
    part = leftover(folder / "features.h5", b"\x89HDF\r\n\x1a\n" + bytes(992))
    result = clcap("cache", folder)
    cache = folder / "nt.reference.h5"
    assert result.status == 0
    assert rows(result.out) == [
        f"1,000 temporary file {part} (features.h5)",
        f"{size_of(cache)} reference's ln p {cache} (nt.pt)",
        f"{1000 + cache.stat().st_size:,} bytes in all, 2 files",
    ]
    assert result.err == "--clear removes caches and leftovers, --clear-unfinished what unfinished runs have saved\n"
    assert part.exists() and cache.exists()


def test_clear_removes_caches_and_leftovers(clcap, folder: Path) -> None:
    leftover(folder / "x.metrics.json", b'{"metrics": ')
    size = (folder / "nt.reference.h5").stat().st_size
    result = clcap("cache", folder, "--clear")
    assert result.status == 0
    assert rows(result.out)[-2:] == [f"{size + 12:,} bytes removed, 2 files", "0 bytes left, 0 files"]
    assert [path.name for path in folder.iterdir()] == ["nt.pt"]


@pytest.mark.parametrize("content", [b"mine", b"\x89HDF\r\n\x1a\n"], ids=["text", "damaged HDF5"])
def test_files_that_only_have_the_name_stay(clcap, tmp_path: Path, content: bytes) -> None:
    files = [tmp_path / name for name in ("my.reference.h5", "my.state.pt", "my.best.pt", "my.partial.json")]
    for file in files:
        file.write_bytes(content)
    result = clcap("cache", tmp_path, "--clear", "--clear-unfinished")
    assert all(file.read_bytes() == content for file in files)
    listed = ", ".join(map(str, sorted(files)))
    assert result.err == (f"warning: left alone, because only the name is that of a cache, not the content: {listed}\n")
    assert rows(result.out) == ["0 bytes removed, 0 files", "0 bytes left, 0 files"]


def test_a_checkpoint_with_the_name_of_a_cache_stays(clcap, folder: Path) -> None:
    for name in ("nt.best.pt", "nt.state.pt"):
        shutil.copy(folder / "nt.pt", folder / name)
    clcap("cache", folder, "--clear", "--clear-unfinished")
    assert {path.name for path in folder.iterdir()} == {"nt.pt", "nt.best.pt", "nt.state.pt"}


@pytest.mark.parametrize(
    ("change", "state"),
    [(lambda path: path.unlink(), "nt.pt, which is gone"), (lambda path: path.write_bytes(b""), "an earlier nt.pt")],
    ids=["gone", "changed"],
)
def test_a_cache_of_another_file_is_said(clcap, folder: Path, change, state: str) -> None:
    change(folder / "nt.pt")
    cache = folder / "nt.reference.h5"
    assert rows(clcap("cache", folder).out)[0] == f"{size_of(cache)} reference's ln p {cache} ({state})"


def test_subfolders_are_searched_but_links_are_not_followed(clcap, folder: Path) -> None:
    inside, outside = folder / "runs" / "a", folder / "elsewhere"
    for place in (inside, outside):
        place.mkdir(parents=True)
        shutil.copy(folder / "nt.reference.h5", place)
    runs = folder / "runs"
    (runs / "linked").symlink_to(outside)
    (runs / "linked.reference.h5").symlink_to(folder / "nt.reference.h5")
    result = clcap("cache", runs, "--clear")
    assert "removed, 1 file" in result.out
    assert not any(inside.iterdir())
    assert (outside / "nt.reference.h5").exists() and (folder / "nt.reference.h5").exists()


def test_files_that_a_process_is_writing_stay(clcap, folder: Path) -> None:
    own = temporary_path(folder / "a.h5")
    own.write_bytes(b"")
    with locked_elsewhere(folder / "nt.reference.h5"):
        result = clcap("cache", folder, "--clear")
    assert (folder / "nt.reference.h5").exists() and own.exists()
    assert [row.endswith(", in use)") for row in rows(result.out)] == [False, True, True, False]


def test_new_files_of_another_computer_stay(clcap, folder: Path) -> None:
    part = leftover(folder / "features.h5", b"", host="elsewhere")
    result = clcap("cache", folder, "--clear")
    assert part.exists()
    assert "may belong to a run on another computer" in result.err


def test_a_missing_folder_is_an_error(error_of, tmp_path: Path) -> None:
    assert error_of("cache", tmp_path / "none") == f"{tmp_path / 'none'} is missing; a folder is expected here"


def train(clcap, folder: Path, *options: str) -> None:
    files = [folder / "captions.h5", folder / "features.h5"]
    clcap("train-mle", *files, "--out", folder / "x.pt", "--hidden", 8, "--embedding", 8, "--save-every", 1, *options)


@pytest.fixture
def unfinished(clcap, chain: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of a training that was killed at its second validation, and no cache."""
    (chain / "nt.reference.h5").unlink()
    validate, numbers = MleTask.validate, count()

    def killed(task: MleTask) -> dict[str, float]:
        if next(numbers) == 2:
            raise ClcapError("killed")
        return validate(task)

    monkeypatch.setattr(MleTask, "validate", killed)
    train(clcap, chain)
    monkeypatch.setattr(MleTask, "validate", validate)
    return chain


def test_an_unfinished_run_is_removed_only_by_name(clcap, unfinished: Path) -> None:
    best, state = unfinished / "x.best.pt", unfinished / "x.state.pt"
    listed = rows(clcap("cache", unfinished, "--clear").out)
    assert listed == [
        "0 bytes removed, 0 files",
        f"{size_of(best)} best so far {best} (x.pt, which is unfinished)",
        f"{size_of(state)} state of training {state} (x.pt, which is unfinished)",
        f"{best.stat().st_size + state.stat().st_size:,} bytes left, 2 files",
    ]
    clcap("cache", unfinished, "--clear-unfinished")
    assert not best.exists() and not state.exists()
    assert (unfinished / "nt.pt").exists()


def test_what_a_finished_run_left_is_a_leftover(clcap, unfinished: Path) -> None:
    left = [unfinished / name for name in ("x.best.pt", "x.state.pt")]
    copies = [path.read_bytes() for path in left]
    train(clcap, unfinished, "--resume")
    for path, content in zip(left, copies, strict=True):
        assert not path.exists()
        path.write_bytes(content)
    listed = rows(clcap("cache", unfinished).out)
    assert [row.endswith("(x.pt, which is finished)") for row in listed] == [True, True, False]
    clcap("cache", unfinished, "--clear")
    assert not any(path.exists() for path in left)


def test_unfinished_features_are_removed_with_their_record(clcap, tmp_path: Path) -> None:
    file, record = tmp_path / "f.partial", tmp_path / "f.partial.json"
    provenance = Origin("extract-features", {}).make_provenance("clcap/partial-features", "0" * 16, record)
    file.write_bytes(b"rows" * 100)
    record.write_text(json.dumps({"provenance": provenance.model_dump()}))
    size = f"{400 + record.stat().st_size:,}"
    assert rows(clcap("cache", tmp_path, "--clear").out)[1:] == [
        f"{size} features so far {file} (f.h5, which is unfinished)",
        f"{size} bytes left, 1 file",
    ]
    clcap("cache", tmp_path, "--clear-unfinished")
    assert not any(tmp_path.iterdir())


def test_a_foreign_file_named_as_a_lock_stops_only_its_entry(
    clcap, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    shutil.copy("nt.reference.h5", "x.reference.h5")
    lock = Path(".nt.reference.h5.lock")
    lock.write_text("notes")
    result = clcap("cache", "--clear")
    assert result.err == (
        "warning: nt.reference.h5 is left: .nt.reference.h5.lock was not written by clcap, which needs this name for a "
        "lock; rename it\n"
    )
    assert (result.status, lock.read_text()) == (0, "notes")
    assert {path.name for path in folder.iterdir()} == {"nt.pt", "nt.reference.h5", lock.name}
