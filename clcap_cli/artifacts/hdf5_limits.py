"""Limits of the processes in which the HDF5 library reads files: time, memory, and what they can reach."""

import contextlib
import os
import signal
from functools import lru_cache

from clcap_cli.datasets.memory_limit import process_size

TEXT_BYTES_PER_SECOND = 5e6
"""Lower bound of the speed at which texts are read; even a slow processor is ten times as fast."""
EXTRA_MEMORY = 2**28
"""Bytes of memory that the child may use in addition to the memory it starts with."""
MEMORY_PER_TEXT_BYTE = 30
"""Additional bytes of memory for each byte of text in the file."""


def limit_resources(bytes_of_text: int, cpu_seconds: float) -> None:
    """Limit processor time and memory of this process; it ends silently if it exceeds them."""
    with contextlib.suppress(AttributeError, ImportError, OSError, ValueError):  # not every system has these limits
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds + bytes_of_text / TEXT_BYTES_PER_SECOND)
        import resource

        limit = _initial_memory() + EXTRA_MEMORY + MEMORY_PER_TEXT_BYTE * bytes_of_text
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


@lru_cache
def _initial_memory() -> int:
    """Number of bytes of memory with which this process started."""
    return process_size()


def allow_one_file() -> None:
    """Let this process open one more file and no connection, and write to no file.

    Even if a hostile file made HDF5 run code of its own, this process could not reach other files.
    """
    with contextlib.suppress(AttributeError, ImportError, OSError, ValueError):
        import resource

        next_descriptor = os.open(os.devnull, os.O_RDONLY)
        os.close(next_descriptor)
        for limit, value in (("NOFILE", next_descriptor + 1), ("FSIZE", 0), ("CORE", 0)):
            resource.setrlimit(getattr(resource, f"RLIMIT_{limit}"), (value, value))
