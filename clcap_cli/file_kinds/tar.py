"""Tar archives, whose headers may declare any size: the archives that a path stands for, and opening one."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from clcap_cli.input_files import is_folder
from clcap_cli.path_patterns import files_of, is_pattern

SUFFIXES = (".tar", ".tar.gz", ".tgz")
"""Ends of the names of archives in a folder."""


def archives_of(path: Path) -> list[Path]:
    """The tar archives that match a pattern or are in a folder, by their names; any other path itself."""
    if is_pattern(path):
        files = files_of(path)
    elif is_folder(path):
        files = sorted(path.iterdir())
    else:
        return [path]
    return [one for one in files if one.name.lower().endswith(SUFFIXES)]


@contextmanager
def open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Open an uncompressed tar archive; raises tarfile.TarError if it is damaged, also within the block."""
    try:
        with (
            path.open("rb") as file,
            tarfile.open(fileobj=_BoundedFile(file, path.stat().st_size), mode="r:") as archive,
        ):
            yield archive
    except (EOFError, OverflowError, ValueError, OSError) as error:
        raise tarfile.ReadError(getattr(error, "strerror", None) or str(error)) from error


def members_of(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members of an archive one after the other, none of which the archive keeps in memory."""
    while info := archive.next():
        archive.members.clear()  # type: ignore[attr-defined]
        yield info


class _BoundedFile(io.BufferedIOBase):
    """A file in which reading more bytes than it has reserves no memory for them."""

    def __init__(self, file: IO[bytes], size: int):
        super().__init__()
        self._file, self._size = file, size

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """See IOBase."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """See IOBase."""
        return self._file.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        """See BufferedIOBase."""
        left = max(0, self._size - self.tell())
        return self._file.read(left if size is None or size < 0 else min(size, left))
