"""Opening tar archives whose headers may declare any size."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Open an uncompressed tar archive; raises tarfile.TarError if it is damaged, also within the block."""
    try:
        with _BoundedFile(path) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            yield archive
    except (EOFError, OverflowError, ValueError, OSError) as error:
        raise tarfile.ReadError(getattr(error, "strerror", None) or str(error)) from error


class _BoundedFile(io.FileIO):
    """A file in which reading more bytes than it has reserves no memory for them."""

    def __init__(self, path: Path):
        super().__init__(path)
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """See FileIO."""
        left = max(0, self._size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))
