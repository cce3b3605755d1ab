"""Failures of the process give one line of error and an exit status."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from clcap_cli.__main__ import show_traceback
from tests.conftest import CLCAP
from tests.reporting.conftest import image, write

__all__ = ["write"]

IMAGES = [
    image(1, "a dog", CIDEr=0.5, tokenised="a dog", references=["a dog"]),
    image(2, "a cat", CIDEr=0.1, tokenised="a cat", references=["a cat"]),
]
ANSWERS = [
    ("--help",),
    ("--version",),
    ("show", "x.metrics.json"),
    ("report", "x.metrics.json", "--text"),
    ("--quiet", "compare", "x.metrics.json", "y.metrics.json"),
]
INTERRUPTED = "interrupted; no file is half-written, and the old ones are as they were\n"


def run(folder: Path, words: tuple[str, ...], **how) -> subprocess.CompletedProcess:
    return subprocess.run([*CLCAP, *words], cwd=folder, text=True, stderr=subprocess.PIPE, **how)


@pytest.mark.parametrize("words", ANSWERS, ids=" ".join)
def test_a_full_disk_behind_stdout_is_reported(tmp_path: Path, write, words: tuple[str, ...]) -> None:
    write("x.metrics.json", IMAGES)
    write("y.metrics.json", IMAGES)
    with Path("/dev/full").open("w") as full:
        process = run(tmp_path, words, stdout=full)
    assert (process.returncode, process.stderr) == (1, "error: stdout cannot be written: No space left on device\n")


@pytest.mark.parametrize("words", ANSWERS, ids=" ".join)
def test_a_broken_pipe_is_reported(tmp_path: Path, write, words: tuple[str, ...]) -> None:
    write("x.metrics.json", IMAGES)
    write("y.metrics.json", IMAGES)
    reading, writing = os.pipe()
    os.close(reading)
    process = run(tmp_path, words, stdout=writing)
    os.close(writing)
    assert (process.returncode, process.stderr) == (1, "error: stdout cannot be written: Broken pipe\n")


def test_the_exit_status_reports_errors_without_stderr(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run([*CLCAP, "show", "x"], cwd=tmp_path, stderr=full, stdout=full)
    assert process.returncode == 1
    closed = subprocess.run(["sh", "-c", f"{' '.join(CLCAP)} show x >&- 2>&-"], cwd=tmp_path)
    assert closed.returncode == 1


IMPORTS = ["clcap_cli.app", "typer", "rich.console", "clcap_cli.artifacts.hdf5", "numpy"]


@pytest.mark.parametrize(
    ("module", "problem"),
    [*product(IMPORTS, [signal.SIGINT]), *product(["numpy"], [signal.SIGTERM, signal.SIGHUP])],
)
def test_ctrl_c_works_during_every_import(tmp_path: Path, module: str, problem: signal.Signals) -> None:
    (tmp_path / "x.h5").write_bytes(b"\x89HDF")
    code = (
        "import builtins, os, sys\n"
        "sys.argv = ['clcap', 'show', 'x.h5']\n"
        "from clcap_cli.__main__ import main\n"
        "class Press:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), {int(problem)})\n"
        "sys.meta_path.insert(0, Press())\n"
        "main()"
    )
    default = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, preexec_fn=default
    )
    assert (process.returncode, process.stdout, process.stderr) == (128 + problem, "", INTERRUPTED)


def test_ctrl_c_during_an_import_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from clcap_cli.__main__ import _on_interruption, _stop\n"
        "from clcap_cli.artifacts.output_lock import locked\n"
        "class Press:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "_on_interruption(_stop)\n"
        "with locked(Path('x.pt')):\n"
        "    sys.meta_path.insert(0, Press())\n"
        "    import missing\n"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (128 + signal.SIGTERM, INTERRUPTED)
    assert list(tmp_path.iterdir()) == []


def test_the_installed_command_has_the_same_entry_point() -> None:
    project = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert 'clcap = "clcap_cli.__main__:main"' in project


def test_a_deleted_working_folder_is_reported(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    words = " ".join([*CLCAP, "show", "x.pt"])
    process = subprocess.run(["sh", "-c", f"rmdir {gone}; {words}"], cwd=gone, capture_output=True, text=True)
    message = "error: the folder in which clcap was started is not there any more; change to another\n"
    assert (process.returncode, process.stderr) == (1, message)


def test_an_argument_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    process = subprocess.run([*CLCAP, "show", b"caf\xe9.pt"], capture_output=True, text=True)
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr == "error: 'caf\\udce9.pt' is not valid UTF-8 (see clcap --help)\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "/x/y"), "/x/y: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (MemoryError("7 GiB"), "not enough memory: 7 GiB"),
        (RecursionError("maximum recursion depth exceeded"), "the input is nested too deeply"),
        (UnicodeEncodeError("ascii", "é", 0, 1, "not in range"), "'ascii' codec can't encode character '\\xe9'"),
    ],
)
def test_unexpected_system_errors_give_one_line(clcap: Callable, monkeypatch, error: Exception, message: str) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("clcap_cli.artifacts.lineage.read_provenance", fail)
    result = clcap("show", __file__)
    assert result.status == 1 and result.err.startswith(f"error: {message}") and result.err.count("\n") == 1
    with pytest.raises(type(error)):
        clcap("show", __file__, "--debug")


def test_a_programming_error_keeps_its_traceback(clcap: Callable, monkeypatch) -> None:
    monkeypatch.setattr("clcap_cli.artifacts.lineage.read_provenance", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        clcap("show", __file__)


def test_a_disk_that_fills_while_writing_is_reported(tmp_path: Path, write) -> None:
    path = write("x.metrics.json", IMAGES)
    process = subprocess.run(
        [*CLCAP, "report", path, "--csv", tmp_path / "t.csv", "--text"],
        capture_output=True,
        text=True,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (10, 10)),
    )
    assert (process.returncode, process.stderr) == (1, f"error: {tmp_path}/t.csv cannot be written: File too large\n")


def test_a_traceback_has_no_control_characters(capsys: pytest.CaptureFixture) -> None:
    try:
        raise ValueError("a\x1b[31m\u202eb\nc")
    except ValueError as error:
        show_traceback(type(error), error, error.__traceback__)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-2:] == ["ValueError: a\\x1b[31m\\u202eb", "c"]
