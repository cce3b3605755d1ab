"""A limit of memory for a library that cannot be told how much it may use."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROCESS_SIZE = Path("/proc/self/statm")


def process_size() -> int:
    """Number of bytes of address space that this process has; only on Linux."""
    import resource

    return int(PROCESS_SIZE.read_text().split()[0]) * resource.getpagesize()


@contextmanager
def limited_memory(extra: int) -> Iterator[None]:
    """Let this process take at most ``extra`` more bytes of memory in the block; only Linux has this limit.

    A library that asks for more is refused, which PyArrow and Python report as an error.
    """
    if not PROCESS_SIZE.exists():
        yield
        return
    import resource

    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = process_size() + extra
    others = [one for one in (before, hard) if one != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([limit, *others]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))
