"""A file-like object over bytes that are read by their position, such as those of a part of another file."""

import io
from abc import abstractmethod
from typing import Any


class PartReader(io.RawIOBase):
    """``size`` bytes, read in pieces by ``content_at``."""

    def __init__(self, size: int):
        super().__init__()
        self._size, self._position = size, 0

    @abstractmethod
    def content_at(self, position: int, size: int) -> bytes:
        """At most ``size`` bytes from ``position`` on; raises OSError or ClcapError."""

    def readable(self) -> bool:
        """See RawIOBase."""
        return True

    def seekable(self) -> bool:
        """See RawIOBase."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """See RawIOBase."""
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        """See RawIOBase; raises what ``content_at`` does."""
        size = min(len(buffer), self._size - self._position)
        if size <= 0:
            return 0
        content = self.content_at(self._position, size)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
