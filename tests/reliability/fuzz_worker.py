"""The process that reads mutated files, and its limits."""

import faulthandler
import gc
import os
import pickle
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from clcap_cli.errors import ClcapError

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = {
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.utime",
    "shutil.rmtree",
}
"""Audit events of changes on disk; their first argument is a path."""
PEAK = "/proc/self/clear_refs"
"""The file through which the kernel is told to measure the peak of memory anew."""
FORBIDDEN = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "socket.bind"}
"""Audit events that reading a file never causes."""


@dataclass(frozen=True)
class Limits:
    """What reading one input may take."""

    seconds: float = 1.0
    """Processor time; the time of the clock would count other programs too."""
    waiting_seconds: float = 20.0
    """Time of the clock, for a reader that waits forever."""
    bytes: int = 2**30
    """Memory in addition to that of the loaded program."""


@dataclass(frozen=True)
class Outcome:
    """What happened to one input."""

    kind: str
    """``accepted``, ``rejected`` or a kind of failure."""
    seconds: float
    bytes: int
    text: str = ""
    """The message or the traceback."""

    @property
    def is_failure(self) -> bool:
        """Whether the reader neither accepted nor cleanly rejected the input."""
        return self.kind not in ("accepted", "rejected")


def read_inputs(
    read: Callable[[Path], object],
    file_name: str,
    beside: Sequence[Path],
    contents: Iterable[bytes],
    folder: Path,
    limits: Limits,
    sender: int,
) -> NoReturn:
    """Read every input in this process, send the outcomes through the pipe ``sender`` and end the process."""
    try:
        _silence()
        watched = _watch_changes(folder)
        gc.freeze()
        _limit_memory(limits.bytes)
        for number, content in enumerate(contents):
            place = folder / f"{os.getpid()}-{number}"
            place.mkdir()
            for path in beside:
                shutil.copy(path, place / path.name)
            (place / file_name).write_bytes(content)
            watched.clear()
            outcome = _read(read, place / file_name, limits)
            if watched and not outcome.is_failure:
                outcome = Outcome("write", outcome.seconds, outcome.bytes, "\n".join(watched))
            os.write(sender, pickle.dumps((outcome.kind, outcome.seconds, outcome.bytes, outcome.text[-20_000:])))
            shutil.rmtree(place)
        os._exit(0)
    except BaseException:
        with suppress(BaseException):
            os.write(sender, pickle.dumps(("traceback", 0.0, 0, f"the worker failed: {traceback.format_exc()}")))
        os._exit(0)


def _read(read: Callable[[Path], object], path: Path, limits: Limits) -> Outcome:
    before, started = _reset_peak(), _processor_time()
    signal.setitimer(signal.ITIMER_PROF, limits.seconds)
    signal.setitimer(signal.ITIMER_REAL, limits.waiting_seconds)
    try:
        kind, text = _kind(read, path)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = _processor_time() - started
    return Outcome("hang" if seconds > limits.seconds else kind, seconds, max(_peak() - before, 0), text)


def _kind(read: Callable[[Path], object], path: Path) -> tuple[str, str]:
    try:
        read(path)
    except ClcapError as error:
        return "rejected", str(error)
    except MemoryError:
        return "memory", traceback.format_exc()
    except BaseException:
        return "traceback", traceback.format_exc()
    return "accepted", ""


def _silence() -> None:
    """Send what readers print nowhere, and let timers end this process at once."""
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    for number in (signal.SIGPROF, signal.SIGALRM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def _watch_changes(folder: Path) -> list[str]:
    """A list that receives every change on disk outside ``folder``, and every program and connection started."""
    found: list[str] = []
    allowed = (str(folder), os.devnull, PEAK)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and not isinstance(arguments[0], int) and arguments[2] & WRITING
        outside = (writes or event in CHANGES) and not str(arguments[0]).startswith(allowed)
        if outside or event in FORBIDDEN:
            found.append(f"{event} {arguments!r}")

    sys.addaudithook(hook)
    return found


def _limit_memory(extra: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _processor_time() -> float:
    """Processor time of this process and of the processes that it has waited for."""
    used = os.times()
    return time.process_time() + used.children_user + used.children_system


def _reset_peak() -> int:
    """Make the kernel measure the peak of memory from here; returns the current size in bytes."""
    Path(PEAK).write_text("5")
    return _peak()


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
