"""Threads of the processor: how many compute, and how they wait for each other.

PyTorch computes with OpenMP threads, which wait for each other after every operation. GNU's OpenMP waits by spinning,
for milliseconds: fastest on an idle machine. On a busy one the thread that spins keeps the processor from the thread
that it waits for, and training takes ten times as long. So a watcher looks how long this process has to wait for a
processor, and while that is much, lets its threads sleep instead of spin.
"""

import ctypes
import os
import threading
import time
from functools import cache, partial
from pathlib import Path

import torch

from clcap_cli.compute.process import afterwards

SCHEDULED = Path("/proc/self/schedstat")
"""Linux: nanoseconds that the main thread ran, and that it was ready to run but had to wait for a processor."""
MAPS = Path("/proc/self/maps")
INTERVAL = 1.0
"""Seconds between two looks; in less, one other process that starts would look like a busy machine."""
BUSY, QUIET = 0.2, 5
"""The share of time spent waiting for a processor from which the machine is busy; looks without it until it is idle."""


def use_threads(threads: int | None) -> None:
    """Compute with so many threads, or with PyTorch's default, until the running stage ends."""
    if threads is not None:
        afterwards(partial(torch.set_num_threads, torch.get_num_threads()))
        torch.set_num_threads(threads)
    if threads_in_use() > 1 and SCHEDULED.exists() and _libgomp() is not None:
        _watch_load()


def threads_in_use() -> int:
    """How many threads compute."""
    return torch.get_num_threads()


def _watch_load() -> None:
    """Start the watcher, which can see and do something here."""
    ended = threading.Event()
    threading.Thread(target=_sleep_while_busy, args=(ended,), daemon=True).start()
    afterwards(ended.set)


def _sleep_while_busy(ended: threading.Event) -> None:
    crowd, quiet = _Crowd(), 0
    then, waited = time.monotonic(), _seconds_waited()
    while not ended.wait(INTERVAL):
        now, so_far = time.monotonic(), _seconds_waited()
        busy = so_far - waited > BUSY * (now - then)
        then, waited = now, so_far
        quiet = 0 if busy else quiet + 1
        if busy:
            crowd.gather()
        elif quiet >= QUIET:
            crowd.disperse()
    crowd.disperse()


def _seconds_waited() -> float:
    return int(SCHEDULED.read_text().split()[1]) / 1e9


class _Crowd:
    """Idle OpenMP threads beside those that compute.

    When more threads than processors exist, GNU's OpenMP lets all of them sleep at once instead of spinning. It has no
    other switch that can be turned while it runs.
    """

    def __init__(self) -> None:
        self.leave: threading.Event | None = None

    def gather(self) -> None:
        """Start the threads, if there are none."""
        if self.leave is None:
            self.leave = threading.Event()
            threading.Thread(target=self._stay, args=(self.leave,), daemon=True).start()

    def disperse(self) -> None:
        """End them."""
        if self.leave is not None:
            self.leave.set()
            self.leave = None

    def _stay(self, leave: threading.Event) -> None:
        libgomp = _libgomp()
        assert libgomp is not None
        nothing = ctypes.cast(ctypes.CDLL(None).free, ctypes.c_void_p)  # free(NULL) does nothing
        libgomp.GOMP_parallel(nothing, None, len(os.sched_getaffinity(0)) + 1, 0)
        leave.wait()  # its OpenMP threads live as long as this one


@cache
def _libgomp() -> ctypes.CDLL | None:
    """GNU's OpenMP, as PyTorch has loaded it."""
    if not MAPS.exists():
        return None
    paths = (line.split(maxsplit=5)[-1] for line in MAPS.read_text().splitlines() if "libgomp" in line)
    path = next(paths, None)
    return ctypes.CDLL(path) if path else None
