"""Blocks of files in object stores, of which those read last stay in memory.

Reading files in the order of their bytes therefore asks a store for each byte once, in large requests; the blocks that
follow are requested ahead.
"""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Protocol

from clcap_cli.part_reader import PartReader

BLOCK_SIZE = 2**22
"""Number of bytes of a request."""
KEPT_BLOCKS = 256
"""Number of blocks in memory, 1 GiB in all."""
BLOCKS_AHEAD = 4
"""Number of blocks that are requested before they are needed, where a file is read in order."""
BLOCKS_IN_ORDER = 6
"""Number of blocks before one that show by being there that a file is read in order, and not in parts of 4."""
REQUESTS = 16
"""Number of requests at a time."""


class RemoteFile(Protocol):
    """A file of an object store, which two equal objects may stand for."""

    def read_range(self, first: int, end: int) -> bytes:
        """The bytes from ``first`` up to ``end``; raises UnavailableError."""

    def __hash__(self) -> int: ...


class Blocks:
    """The blocks that were read last; several threads may read."""

    def __init__(self) -> None:
        self._requested: OrderedDict[tuple[RemoteFile, int], Future[bytes]] = OrderedDict()
        self._lock, self._threads = Lock(), ThreadPoolExecutor(REQUESTS)

    def read(self, path: RemoteFile, number: int, size: int) -> bytes:
        """The block ``number`` of a file of ``size`` bytes; raises UnavailableError."""
        with self._lock:
            before = range(max(0, number - BLOCKS_IN_ORDER), number)
            in_order = bool(before) and all((path, one) in self._requested for one in before)
            block = self._request(path, number)
            last = (size - 1) // BLOCK_SIZE
            for following in range(number + 1, min(number + BLOCKS_AHEAD, last) + 1) if in_order else ():
                self._request(path, following)
        return block.result()

    def _request(self, path: RemoteFile, number: int) -> Future[bytes]:
        first, key = number * BLOCK_SIZE, (path, number)
        if key not in self._requested:
            self._requested[key] = self._threads.submit(path.read_range, first, first + BLOCK_SIZE)
        self._requested.move_to_end(key)
        while len(self._requested) > KEPT_BLOCKS:
            self._requested.popitem(last=False)
        return self._requested[key]


BLOCKS = Blocks()


class BlockReader(PartReader):
    """A file of an object store, read in blocks."""

    def __init__(self, path: RemoteFile, size: int):
        super().__init__(size)
        self._path = path

    def content_at(self, position: int, size: int) -> bytes:
        """See PartReader; raises UnavailableError."""
        number, first = divmod(position, BLOCK_SIZE)
        return BLOCKS.read(self._path, number, self._size)[first : first + size]
