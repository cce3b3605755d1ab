"""What HDF5 writes to instead of a file: it never fails, because HDF5 crashes when a write does."""

from collections.abc import Callable
from io import FileIO


class Sink:
    """A file that remembers the first error instead of raising it, and writes nothing more after that."""

    def __init__(self, file: FileIO):
        self._file = file
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the error, if there was one."""
        if self._error is not None:
            raise self._error

    def write(self, content: memoryview) -> int:
        """Write all of it."""
        self._try(self._write_all, content)
        return len(content)

    def truncate(self, size: int) -> int:
        """Make the file this long."""
        self._try(self._file.truncate, size)
        return size

    def readinto(self, content: memoryview) -> int:
        """Fill ``content``, with zeros where nothing was written."""
        content[:] = self._file.read(len(content)).ljust(len(content), b"\0")
        return len(content)

    def read(self, size: int) -> bytes:
        """As h5py knows a file by it; it calls ``readinto``."""
        return self._file.read(size) or b""

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._file.seek(place, whence)

    def tell(self) -> int:
        """The place."""
        return self._file.tell()

    def flush(self) -> None:
        """Nothing: the file has no buffer."""

    def _write_all(self, content: memoryview) -> None:
        while content:
            content = content[self._file.write(content) :]

    def _try(self, act: Callable[..., object], *given: object) -> None:
        if self._error is None:
            try:
                act(*given)
            except OSError as error:
                self._error = error
