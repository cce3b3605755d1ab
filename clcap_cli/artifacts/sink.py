"""The file object that HDF5 and PyTorch write to. It never raises an error, because they crash if a write fails."""

import os
from collections.abc import Callable
from io import FileIO


def write_all(file: FileIO, content: memoryview) -> None:
    """Write all of ``content``, of which an unbuffered file may take only a part at a time."""
    while content:
        content = content[file.write(content) :]


class Sink:
    """A file object that records the first error instead of raising it, and writes nothing after that error."""

    def __init__(self, file: FileIO, errors: type[BaseException] = OSError):
        """``file`` must be unbuffered; only errors of the class ``errors`` are recorded."""
        self._file, self._errors = file, errors
        self._error: BaseException | None = None

    def check(self) -> None:
        """Raise the recorded error, if any."""
        if self._error is not None:
            raise self._error

    def write(self, content: memoryview) -> int:
        """Write all of ``content``."""
        self._record_error(write_all, self._file, content)
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

    def _record_error(self, operation: Callable[..., object], *arguments: object) -> None:
        if self._error is None:
            try:
                operation(*arguments)
            except self._errors as error:
                self._error = error


class RewritingSink(Sink):
    """A sink that writes a new HDF5 file over an old one, of which HDF5 sees nothing.

    Bytes that HDF5 does not write stay as they were in the old file.
    """

    def __init__(self, file: FileIO):
        super().__init__(file)
        self._end = 0

    def write(self, content: memoryview) -> int:
        """See Sink."""
        self._end = max(self._end, self.tell() + len(content))
        return super().write(content)

    def truncate(self, size: int) -> int:
        """Change the length of the new file; the old one is only made longer."""
        self._end = size
        return super().truncate(size) if size > super().seek(0, os.SEEK_END) else size

    def seek(self, position: int, whence: int = 0) -> int:
        """See Sink; the end is that of the new file."""
        return super().seek(self._end + position) if whence == os.SEEK_END else super().seek(position, whence)

    def cut(self) -> None:
        """Remove what is left of the old file beyond the end of the new one."""
        super().truncate(self._end)
