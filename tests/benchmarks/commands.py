"""Time and memory of commands in processes of their own."""

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.memory import peak_of
from tests.benchmarks.worker import ROOT

POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Usage:
    """Resources that a command used."""

    seconds: float
    cpu_seconds: float
    """Processor time of all its processes."""
    mebibytes: float
    """Peak memory of its first process, without the Java programs."""

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.cpu_seconds:.1f} s of processor time, {self.mebibytes:,.0f} MiB"


def clcap(*arguments: str | Path) -> list[str | Path]:
    """A clcap command."""
    return [sys.executable, "-m", "clcap_cli", *arguments]


def usage(command: Sequence[str | Path], checkout: Path = ROOT) -> Usage:
    """Run a Python command in the folder ``checkout``, by default this checkout, and thus with its code."""
    started, used = time.perf_counter(), _seconds_of_children()
    process = subprocess.Popen(command, cwd=checkout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, peak_of(process.pid))
        time.sleep(POLL_SECONDS)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with exit code {process.returncode}")
    return Usage(time.perf_counter() - started, _seconds_of_children() - used, peak)


def _seconds_of_children() -> float:
    """Processor time of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
