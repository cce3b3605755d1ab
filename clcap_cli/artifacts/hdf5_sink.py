"""The file object that HDF5 writes to. It never raises an error, because HDF5 crashes if a write fails."""

from collections.abc import Callable
from io import FileIO


class Sink:
    """A file object that records the first error instead of raising it, and writes nothing after that error."""

    def __init__(self, file: FileIO):
        self._file = file
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the recorded error, if any."""
        if self._error is not None:
            raise self._error

    def write(self, content: memoryview) -> int:
        """Write all of ``content``."""
        self._record_error(self._write_all, content)
        return len(content)

    def truncate(self, size: int) -> int:
        """Change the length of the file to ``size`` bytes."""
        self._record_error(self._file.truncate, size)
        return size

    def readinto(self, content: memoryview) -> int:
        """Fill ``content`` from the file, with zeros after its end."""
        content[:] = self._file.read(len(content)).ljust(len(content), b"\0")
        return len(content)

    def read(self, size: int) -> bytes:
        """Read up to ``size`` bytes; h5py requires this method but reads with ``readinto``."""
        return self._file.read(size) or b""

    def seek(self, position: int, whence: int = 0) -> int:
        """Change the current position."""
        return self._file.seek(position, whence)

    def tell(self) -> int:
        """The current position."""
        return self._file.tell()

    def flush(self) -> None:
        """Do nothing, because the file is not buffered."""

    def _write_all(self, content: memoryview) -> None:
        while content:
            content = content[self._file.write(content) :]

    def _record_error(self, operation: Callable[..., object], *arguments: object) -> None:
        if self._error is None:
            try:
                operation(*arguments)
            except OSError as error:
                self._error = error
