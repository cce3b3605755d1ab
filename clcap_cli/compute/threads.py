"""Number of processor threads, and how they wait for each other on a busy machine.

PyTorch computes with OpenMP threads, which wait for each other after every operation. GNU's OpenMP waits by spinning
for milliseconds. This is fastest on an idle machine. On a busy machine a spinning thread occupies the processor that
the thread it waits for needs, and training takes ten times as long. A watcher thread therefore measures how long this
process waits for a processor, and makes its threads sleep instead of spin while that time is long.
"""

import ctypes
import os
import threading
import time
from functools import cache, partial
from pathlib import Path

import torch

from clcap_cli.compute.process import at_stage_end

SCHEDSTAT = Path("/proc/self/schedstat")
"""Linux's nanoseconds for which the main thread ran, and for which it was ready to run but waited for a processor."""
MEMORY_MAPS = Path("/proc/self/maps")
INTERVAL = 1.0
"""Seconds between two checks; with shorter ones the start of a single other process would look like a busy machine."""
BUSY_SHARE = 0.2
"""Share of the time spent waiting for a processor above which the machine counts as busy."""
QUIET_CHECKS = 5
"""Number of checks in a row below that share after which the machine no longer counts as busy."""


def set_threads(threads: int | None) -> None:
    """Compute with this many threads, or with PyTorch's default for None, until the running stage ends."""
    if threads is not None:
        at_stage_end(partial(torch.set_num_threads, torch.get_num_threads()))
        torch.set_num_threads(threads)
    if torch.get_num_threads() > 1 and SCHEDSTAT.exists() and _libgomp() is not None:
        _watch_load()


def _watch_load() -> None:
    """Start the watcher thread; it runs until the stage ends."""
    ended = threading.Event()
    threading.Thread(target=_sleep_while_busy, args=(ended,), daemon=True).start()
    at_stage_end(ended.set)


def _sleep_while_busy(ended: threading.Event) -> None:
    """Run idle threads while the machine is busy, until ``ended`` is set."""
    idle_threads, quiet_checks = _IdleThreads(), 0
    last_time, last_waited = time.monotonic(), _seconds_waited()
    while not ended.wait(INTERVAL):
        now, waited = time.monotonic(), _seconds_waited()
        busy = waited - last_waited > BUSY_SHARE * (now - last_time)
        last_time, last_waited = now, waited
        quiet_checks = 0 if busy else quiet_checks + 1
        if busy:
            idle_threads.start()
        elif quiet_checks >= QUIET_CHECKS:
            idle_threads.stop()
    idle_threads.stop()


def _seconds_waited() -> float:
    return int(SCHEDSTAT.read_text().split()[1]) / 1e9


class _IdleThreads:
    """Enough idle OpenMP threads to make PyTorch's threads sleep instead of spin.

    As soon as a process has more OpenMP threads than processors, GNU's OpenMP lets all waiting threads sleep. It has
    no setting for this that can be changed at run time.
    """

    def __init__(self) -> None:
        self._leave: threading.Event | None = None

    def start(self) -> None:
        """Start the threads, unless they are running."""
        if self._leave is None:
            self._leave = threading.Event()
            threading.Thread(target=self._run, args=(self._leave,), daemon=True).start()

    def stop(self) -> None:
        """End the threads, if they are running."""
        if self._leave is not None:
            self._leave.set()
            self._leave = None

    def _run(self, leave: threading.Event) -> None:
        libgomp = _libgomp()
        assert libgomp is not None
        no_op = ctypes.cast(ctypes.CDLL(None).free, ctypes.c_void_p)  # free(NULL) does nothing
        libgomp.GOMP_parallel(no_op, None, len(os.sched_getaffinity(0)) + 1, 0)
        leave.wait()  # the OpenMP threads end with the thread that started them


@cache
def _libgomp() -> ctypes.CDLL | None:
    """The GNU OpenMP library that PyTorch has loaded; None where PyTorch uses another one."""
    if not MEMORY_MAPS.exists():
        return None
    paths = (line.split(maxsplit=5)[-1] for line in MEMORY_MAPS.read_text().splitlines() if "libgomp" in line)
    path = next(paths, None)
    return ctypes.CDLL(path) if path else None
