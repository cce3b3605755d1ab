"""Peak memory of a process, as Linux's /proc has it: resource usage would include the memory of its parent."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path


def peak_of(process: int | str = "self") -> float:
    """Peak memory in MiB of a running process, by default this one; 0 if the process has ended."""
    return mebibytes("VmHWM", process)


def peak_memory(work: Callable[..., object], *arguments: object) -> float:
    """Peak memory of a process during ``work`` in MiB above its idle memory, on the CPU."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (work, arguments))


def _peak(work: Callable[..., Callable[[], object]], arguments: tuple) -> float:
    run = work(*arguments)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    idle = mebibytes("VmRSS")
    run()
    return peak_of() - idle


def mebibytes(field: str, process: int | str = "self") -> float:
    """A value of a process in MiB, such as VmRSS, its memory now; 0 if the process has ended."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), 0.0)
