"""Image files: files of a folder, and members of tar archives, which are read without unpacking."""

import io
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

import numpy as np

from clcap_cli.input_files import check_readable
from clcap_cli.part_reader import PartReader
from clcap_cli.remote_blocks import BLOCK_SIZE
from clcap_cli.remote_path import RemotePath

PART_SIZE = 4 * BLOCK_SIZE
"""Size in bytes of the parts of an archive that training reads one after the other."""
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class TarMember:
    """A regular file in an uncompressed tar archive."""

    archive: Path
    name: str
    """Its path in the archive."""
    offset: int = field(compare=False, repr=False)
    """Position of its content in the archive, in bytes."""
    size: int = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.archive}/{self.name}"


ImageFile = Path | TarMember
"""Where the content of an image is stored."""


def is_remote(file: ImageFile) -> bool:
    """Whether the file is in an object store."""
    return isinstance(file.archive if isinstance(file, TarMember) else file, RemotePath)


def in_order_of_reading(files: Mapping[Key, ImageFile]) -> dict[Key, ImageFile]:
    """The files in an order in which each archive is read once from its start to its end; other files keep theirs."""
    return dict(sorted(files.items(), key=lambda item: _position(item[1])))


def parts_of(files: Sequence[ImageFile]) -> np.ndarray | None:
    """The part in which each file is, ``PART_SIZE`` bytes of an archive; None unless some are in object stores."""
    if not any(map(is_remote, files)):
        return None
    numbers: dict[tuple[str, int], int] = {}
    places = ((archive, offset // PART_SIZE) for archive, offset in map(_position, files))
    return np.array([numbers.setdefault(place, len(numbers)) for place in places])


def _position(file: ImageFile) -> tuple[str, int]:
    return (str(file.archive), file.offset) if isinstance(file, TarMember) else ("", 0)


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
        with file.archive.open("rb") as archive:
            yield io.BufferedReader(_Part(archive, file.offset, file.size))


class _Part(PartReader):
    """A part of an open file."""

    def __init__(self, file: IO[bytes], offset: int, size: int):
        super().__init__(size)
        self._file, self._offset = file, offset

    def content_at(self, position: int, size: int) -> bytes:
        """See PartReader; nothing where the file is shorter than it was."""
        self._file.seek(self._offset + position)
        return self._file.read(size)
