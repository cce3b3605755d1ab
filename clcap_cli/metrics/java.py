"""Java programs of METEOR, SPICE and the tokeniser, run with timeouts and readable errors."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from clcap_cli.artifacts.temporary_files import temporary_file
from clcap_cli.errors import ClcapError
from clcap_cli.metrics.java_runtime import UTF8, find_java

TIMEOUT = 120.0
"""Seconds without output after which a program counts as hung; METEOR takes about ten to start."""


class JavaError(ClcapError):
    """A Java program failed, hung, or could not be started."""


def pycocoevalcap_folder(name: str) -> Path:
    """A folder of pycocoevalcap, which contains the Java programs."""
    import pycocoevalcap

    return Path(next(iter(pycocoevalcap.__path__))) / name


class JavaProgram:
    """A running Java program that reads and writes lines; a context manager that kills it at the end.

    Args:
        name: The program's name in messages.
        arguments: Command-line arguments of ``java``.
        timeout: Seconds without output after which the program counts as hung; None for TIMEOUT.
    """

    def __init__(self, name: str, *arguments: str, timeout: float | None = None):
        self._name, self._timeout = name, timeout or TIMEOUT
        self._last_output, self._hung, self._closed = time.monotonic(), False, threading.Event()
        if _STOPPING.is_set():
            raise JavaError(f"{name} is not started because another program was interrupted")
        command = [str(find_java()), UTF8, *arguments]
        with contextlib.ExitStack() as resources:
            self._stderr = resources.enter_context(temporary_file())
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr
                )
            except OSError as error:
                raise JavaError(f"{name}: {command[0]} cannot be started: {error.strerror or error}") from error
            resources.pop_all()  # __exit__ closes the file
        threading.Thread(target=self._watch, daemon=True).start()
        _RUNNING.add(self)
        if _STOPPING.is_set():  # set while the program started
            self.kill()

    def __enter__(self) -> "JavaProgram":
        return self

    def __exit__(self, *_: object) -> None:
        _RUNNING.discard(self)
        self._closed.set()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                _not_none(pipe).close()
        self._stderr.close()

    def send(self, lines: Iterable[str], last: bool = False) -> None:
        """Send lines from another thread, so that output can be read meanwhile; ``last`` closes the input."""
        threading.Thread(target=self._write, args=(lines, last), daemon=True).start()

    def read_lines(self) -> Iterator[str]:
        """Yield the lines that the program writes, without line ends.

        Raises JavaError when the program failed or hung.
        """
        self._last_output = time.monotonic()
        for line in _not_none(self._process.stdout):
            self._last_output = time.monotonic()
            yield line.decode("utf-8", errors="replace").rstrip("\r\n")
        if self._process.wait() != 0:
            raise self.error()

    def error(self) -> JavaError:
        """The error that describes why the program stopped."""
        if self._hung:
            return JavaError(f"{self._name} wrote nothing for {self._timeout:.0f} s and was stopped")
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        errors = [line for word in ("Exception", "Error") for line in lines if word in line] or lines[-1:]
        reason = errors[0].strip() if errors else ""
        return JavaError(f"{self._name} failed: {reason or f'Java ended with status {self._process.poll()}'}")

    def kill(self) -> None:
        """Kill the program; a thread that reads its lines gets JavaError."""
        self._process.kill()

    def _write(self, lines: Iterable[str], last: bool) -> None:
        # If the program has ended, the thread that reads its lines reports it.
        with contextlib.suppress(OSError, ValueError):
            pipe = _not_none(self._process.stdin)
            for line in lines:
                pipe.write(f"{line}\n".encode(errors="replace"))
            pipe.flush()
            if last:
                pipe.close()

    def _watch(self) -> None:
        while not self._closed.wait(min(1.0, self._timeout / 4)):
            if time.monotonic() - self._last_output > self._timeout:
                self._hung = True
                self.kill()
                return


_RUNNING: set[JavaProgram] = set()
_STOPPING = threading.Event()


@contextlib.contextmanager
def kill_all_on_error() -> Iterator[None]:
    """Kill every Java program when an error or Ctrl-C occurs, so that no thread keeps waiting for one."""
    _STOPPING.clear()
    try:
        yield
    except BaseException:
        _STOPPING.set()
        for program in list(_RUNNING):
            program.kill()
        raise


def _not_none(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def class_path(jars: Iterable[Path]) -> str:
    """Several jars in the form of Java's option -cp."""
    return os.pathsep.join(map(str, jars))
