"""WebDataset's tar archives, in which an image and its text have the same name: ``x.jpg`` and ``x.txt`` or ``x.json``.

Archives are read as a stream; nothing is unpacked.
"""

import io
import posixpath
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from clcap_cli.datasets.file_content import compression_of, open_decompressed
from clcap_cli.datasets.formats.paired_files import TEXT_SUFFIXES, PairedFiles
from clcap_cli.datasets.limits import max_decompressed
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Table
from clcap_cli.errors import ClcapError
from clcap_cli.file_kinds.tar import archives_of, members_of

MAX_TEXT_SIZE = 2**20
"""Maximum size of a text in bytes; a larger one is not an image's captions."""
_END_SIZE = 2 * tarfile.BLOCKSIZE


def _recognises(source: Source) -> bool:
    """Whether the file is a tar archive, or the folder or pattern has some."""
    return bool(archives_of(source.path)) if source.has_several_files else source.head[257:262] == b"ustar"


def _read(source: Source) -> Table:
    """A row for each image with a text; raises ClcapError for an image that two archives contain."""
    files = PairedFiles(source.path, source.options.encoding)
    archives: dict[str, Path] = {}
    for archive in archives_of(source.path):
        for name, content in _members(archive, files):
            if name in archives and archives[name] != archive:
                raise ClcapError(f"{archives[name]} and {archive} both contain {name}; give each file its own name")
            archives[name] = archive
            files.add(name, partial(bytes, content))
    return files.table()


def _members(path: Path, files: PairedFiles) -> Iterator[tuple[str, bytes]]:
    """The regular files of an archive, each with its content if it is a text."""
    largest = max_decompressed(path) if compression_of(path) else path.stat().st_size
    try:
        with open_decompressed(path) as file, tarfile.open(fileobj=(stream := _Stream(file)), mode="r|") as archive:
            for info in members_of(archive):
                name = posixpath.normpath(info.name)
                if info.size > largest and not info.issparse():  # reading on would skip that many bytes, one by one
                    raise tarfile.ReadError(f"{name} declares {info.size:,} bytes")
                if reason := _reason_to_leave_out(info, name):
                    files.left_out[reason] += 1
                elif not info.isdir():
                    yield name, _content(archive, info)
            if stream.is_cut:
                raise EOFError("its end is missing")
    except (tarfile.TarError, EOFError, OverflowError) as error:
        raise ClcapError(f"{path} is not a readable tar archive: {error}; is the file complete?") from error


class _Stream(io.BufferedIOBase):
    """The bytes of an archive, of which the last ones are remembered: tarfile accepts archives without their end."""

    def __init__(self, file: IO[bytes]):
        super().__init__()
        self._file, self._last = file, b""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to ``size`` bytes."""
        content = self._file.read(-1 if size is None else size)
        self._last = (self._last + content)[-_END_SIZE:]
        return content

    @property
    def is_cut(self) -> bool:
        """Whether the bytes end without the blocks of zeros that end an archive."""
        return any(self._last) and not self.read(1)


def _reason_to_leave_out(info: tarfile.TarInfo, name: str) -> str | None:
    if info.issym() or info.islnk():
        return "link"
    if not (info.isreg() or info.isdir()):
        return "special file"
    if name.startswith(("/", "../")) or name == "..":
        return "outside path"
    if info.size > MAX_TEXT_SIZE and _is_text(info):
        return "oversized text"
    return None


def _is_text(info: tarfile.TarInfo) -> bool:
    return info.name.lower().endswith(TEXT_SUFFIXES)


def _content(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    member = archive.extractfile(info) if _is_text(info) else None
    return member.read() if member else b""


READER = Reader("WebDataset", _recognises, _read)
