"""Image files: files of a folder, and members of tar archives, which are read without unpacking."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from clcap_cli.input_files import check_readable


@dataclass(frozen=True)
class TarMember:
    """A regular file in an uncompressed tar archive."""

    archive: Path
    name: str
    """Its path in the archive."""
    info: tarfile.TarInfo = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.archive}/{self.name}"


ImageFile = Path | TarMember
"""Where the content of an image is stored."""


@contextmanager
def open_file(file: ImageFile) -> Iterator[IO[bytes]]:
    """Open an image file for reading.

    Raises ClcapError if it is missing, not a regular file, or cannot be read.
    """
    if isinstance(file, Path):
        check_readable(file)
        with file.open("rb") as stream:
            yield stream
    else:
        with tarfile.open(file.archive, "r:") as archive:
            member = archive.extractfile(file.info)
            assert member is not None  # only regular files become a TarMember
            yield member
