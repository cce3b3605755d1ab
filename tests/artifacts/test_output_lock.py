"""Only one process writes an output at a time."""

import errno
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest

from clcap_cli.artifacts.atomic import check_writable, check_writable_folder
from clcap_cli.artifacts.hidden_files import HOST, lock_path
from clcap_cli.artifacts.output_lock import BusyError, check_unlocked, locked, remove_held_locks
from clcap_cli.compute.process import stage_cleanup
from clcap_cli.errors import ClcapError

COMMAND = "clcap train-mle captions.h5 features.h5 --out nt.pt"


@contextmanager
def held_by_another_process(path: Path) -> Iterator[int]:
    """Let a child process hold the lock of ``path``; yields its process id."""
    context = get_context("fork")
    ready, done = context.Event(), context.Event()
    child = context.Process(target=hold, args=(path, ready, done))
    child.start()
    try:
        assert ready.wait(10)
        assert child.pid
        yield child.pid
    finally:
        done.set()
        child.join()


def hold(path: Path, ready: threading.Event, done: threading.Event) -> None:
    with locked(path):
        ready.set()
        done.wait(10)


@pytest.fixture(autouse=True)
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", COMMAND.split())


def message(path: Path, pid: int) -> str:
    return f"{path} is being written by process {pid} ({COMMAND}); wait until it ends, or choose another output"


def test_a_second_writer_stops_and_names_the_first(tmp_path: Path) -> None:
    out = tmp_path / "nt.pt"
    with held_by_another_process(out) as pid:
        with pytest.raises(BusyError) as first:
            check_writable(out)
        with pytest.raises(BusyError) as second:
            check_unlocked(out)
    assert str(first.value) == str(second.value) == message(out, pid)
    assert list(tmp_path.iterdir()) == []


def test_a_stage_stops_before_it_reads_its_inputs(error_of: Callable[..., str], chain: Path) -> None:
    out, captions = chain / "new.h5", chain / "scenes" / "captions_train.json"
    captions.write_text("not read")
    with held_by_another_process(out) as pid:
        error = error_of("prepare-captions", "--train", captions, "--out", out)
    assert error.startswith(f"{out} is being written by process {pid} (")
    assert not out.exists()


def test_a_folder_of_outputs_has_one_lock(tmp_path: Path) -> None:
    with held_by_another_process(tmp_path) as pid, pytest.raises(BusyError) as error:
        check_writable_folder(tmp_path, (".png",))
    assert str(error.value) == message(tmp_path, pid)
    check_writable_folder(tmp_path / "new", (".png",))
    assert [path.name for path in tmp_path.rglob("*")] == ["new"]


def test_other_spellings_of_a_path_have_the_same_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "runs" / "nt.pt"
    out.parent.mkdir()
    (tmp_path / "link.pt").symlink_to(out)
    (tmp_path / "folder").symlink_to(out.parent)
    monkeypatch.chdir(tmp_path)
    with held_by_another_process(out):
        for spelling in ("runs/nt.pt", "link.pt", "folder/nt.pt", "runs/../runs/nt.pt"):
            with pytest.raises(BusyError):
                check_writable(Path(spelling))
    check_writable(out)


def test_a_lock_ends_with_its_stage(tmp_path: Path) -> None:
    out = tmp_path / "nt.pt"
    with stage_cleanup():
        check_writable(out)
        content = json.loads(lock_path(out).read_text())
        assert content == {"clcap": "lock", "pid": os.getpid(), "host": HOST, "command": COMMAND}
    assert list(tmp_path.iterdir()) == []
    check_writable(out)


def test_a_stage_inside_another_shares_its_lock(tmp_path: Path) -> None:
    out = tmp_path / "nt.pt"
    with stage_cleanup():
        check_writable(out)
        with stage_cleanup():
            check_writable(out)
        assert lock_path(out).exists()
    assert not lock_path(out).exists()


def test_two_threads_do_not_write_the_same_output(tmp_path: Path) -> None:
    out, errors = tmp_path / "nt.pt", []

    def write() -> None:
        try:
            check_writable(out)
        except BusyError as error:
            errors.append(str(error))

    with stage_cleanup():
        check_writable(out)
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert errors == [message(out, os.getpid())]


@pytest.mark.parametrize("content", ["", '{"clcap": "lock", "pid": 1, "host": "h', '{"clcap": "lock", "pid": 1}'])
def test_a_lock_file_that_was_left_never_blocks(tmp_path: Path, content: str) -> None:
    lock_path(tmp_path / "nt.pt").write_text(content)
    with stage_cleanup():
        check_writable(tmp_path / "nt.pt")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_user_is_not_taken_for_a_lock(tmp_path: Path) -> None:
    lock = lock_path(tmp_path / "nt.pt")
    lock.write_text("notes")
    with pytest.raises(ClcapError) as error:
        check_writable(tmp_path / "nt.pt")
    assert str(error.value) == f"{lock} was not written by clcap, which needs this name for a lock; rename it"
    assert lock.read_text() == "notes"


def test_a_hostile_lock_file_cannot_fill_the_message(tmp_path: Path) -> None:
    lock, out = lock_path(tmp_path / "nt.pt"), tmp_path / "nt.pt"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for content in ("x" * 5000, {"a": "x" * 5000}, "\x1b[31m", 10**400, None):
            lock.write_text(json.dumps({"clcap": "lock", "pid": content, "host": content, "command": content}))
            with pytest.raises(BusyError) as error:
                check_unlocked(out)
            assert len(str(error.value)) < len(str(out)) + 2000
        lock.write_bytes(b'{"clcap": "lock", ' + b"[" * 100_000)
        with pytest.raises(BusyError, match="is being written by another process; wait"):
            check_unlocked(out)


def test_a_link_is_not_followed_to_the_file_it_names(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    lock_path(tmp_path / "nt.pt").symlink_to(tmp_path / "precious")
    with pytest.raises(ClcapError, match=r"\.nt\.pt\.lock was not written by clcap"):
        check_writable(tmp_path / "nt.pt")
    assert (tmp_path / "precious").read_text() == "kept"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_file_systems_without_locks_work_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture, number: int
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with stage_cleanup():
        check_writable(tmp_path / "nt.pt")
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""


def test_a_long_name_has_a_lock_and_temporary_files(tmp_path: Path) -> None:
    for name in ("x" * 255, "é" * 127):
        with stage_cleanup():
            check_writable(tmp_path / name)
    with pytest.raises(ClcapError, match="cannot be written: File name too long"):
        check_writable(tmp_path / ("x" * 256))


def test_a_process_that_ends_at_once_removes_its_locks_only(tmp_path: Path) -> None:
    with held_by_another_process(tmp_path / "other.pt"), locked(tmp_path / "nt.pt"):
        child = os.fork()
        if not child:
            remove_held_locks()
            os._exit(0)
        os.waitpid(child, 0)
        assert lock_path(tmp_path / "nt.pt").exists()
        remove_held_locks()
        assert [path.name for path in tmp_path.iterdir()] == [".other.pt.lock"]
