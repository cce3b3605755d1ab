"""Content of users' files: decompressed, and decoded to text."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from clcap_cli.datasets.limits import BYTES_PER_LINE, check_decompressed
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import check_readable
from clcap_cli.remote_path import RemotePath

BLOCK_SIZE = 2**20
"""Number of bytes that are decompressed at once."""
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
"""Names in PyArrow of the compressions, by the first bytes of a file."""


def compression_of(path: Path) -> str | None:
    """Name of the file's compression, recognised by its first bytes; None if it is not compressed.

    Raises ClcapError if the file cannot be read.
    """
    check_readable(path)
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for magic, name in _COMPRESSIONS.items() if start.startswith(magic)), None)


def read_bytes(path: Path, size: int | None = None) -> bytes:
    """The first ``size`` bytes of a file's decompressed content, or all of it.

    Raises ClcapError as ``open_decompressed`` does.
    """
    with open_decompressed(path) as file:
        return file.read(-1 if size is None else size)


def decode(content: bytes, path: Path, encoding: str | None) -> str:
    """``content`` as text, without a byte order mark; see ``encoding_of``.

    Raises ClcapError with the line and the byte that ``encoding`` does not allow.
    """
    used = encoding_of(content, encoding)
    try:
        # Like json.loads, let lone surrogates pass; they are reported with the caption that contains them.
        return content.decode(used, "surrogatepass" if used.startswith("utf") else "strict").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        mixed = _mixed_advice(content, line) if used == "utf-8" else ""
        advice = mixed or _encoding_advice(encoding)
        raise ClcapError(
            f"{path} is not {used.upper()} text: line {line} contains the byte 0x{content[error.start]:02x}; {advice}"
        ) from error


def _encoding_advice(encoding: str | None) -> str:
    return "name its encoding" if encoding else "if it is text, name its encoding, such as --encoding latin-1"


def _mixed_advice(content: bytes, line: int) -> str:
    """Advice if other lines are UTF-8 beyond ASCII, as where files of two encodings were joined; otherwise empty."""
    valid = sum(map(_is_utf8_beyond_ascii, content.splitlines()))
    if not valid:
        return ""
    return (
        f"{valid:,} other {'line is' if valid == 1 else 'lines are'} UTF-8, so the file mixes encodings; convert line "
        f"{line} and others like it to UTF-8"
    )


def _is_utf8_beyond_ascii(line: bytes) -> bool:
    try:
        return not line.isascii() and bool(line.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def encoding_of(content: bytes, otherwise: str | None) -> str:
    """Name of the encoding of text: a recognised UTF-8, UTF-16 or UTF-32, else ``otherwise`` if it is given."""
    recognised = json.detect_encoding(content)
    if otherwise is None or not recognised.startswith("utf-8"):
        return recognised
    try:
        return otherwise if "\0" in content.decode("utf-8", "surrogatepass") else recognised
    except UnicodeDecodeError as error:
        cut_off = error.reason == "unexpected end of data"  # at the end of the first part of a file
        return recognised if cut_off else otherwise


@contextmanager
def open_decompressed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to read its decompressed content.

    Raises ClcapError, also within the block, if the file cannot be read or decompressed, or if its content is much
    larger than the file.
    """
    with _reading_errors(path), _open(path) as file:
        yield file


def _open(path: Path) -> IO[bytes]:
    compression = compression_of(path)
    if compression is None:
        return path.open("rb")
    import pyarrow

    file = path.open("rb") if isinstance(path, RemotePath) else str(path)
    content = pyarrow.input_stream(file, compression=compression)
    return io.BufferedReader(_Decompressed(path, content), BLOCK_SIZE)


class _Decompressed(io.RawIOBase):
    """The decompressed content of a file; reading it raises ClcapError if it becomes too large."""

    def __init__(self, path: Path, content: IO[bytes]):
        super().__init__()
        self._path, self._content, self._size, self._lines = path, content, 0, 0

    def readable(self) -> bool:
        """See RawIOBase."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See RawIOBase."""
        read = self._content.read(len(buffer))
        self._size += len(read)
        self._lines += read.count(b"\n")
        check_decompressed(self._path, max(self._size, self._lines * BYTES_PER_LINE))
        buffer[: len(read)] = read
        return len(read)

    def close(self) -> None:
        """See RawIOBase."""
        self._content.close()
        super().close()


@contextmanager
def _reading_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # PyArrow's errors of decompression are OSErrors too
        reason = error.strerror or str(error).splitlines()[0]
        advice = "; is the file complete?" if "truncated" in reason.lower() else ""
        raise ClcapError(f"{path} cannot be read: {reason}{advice}") from error
