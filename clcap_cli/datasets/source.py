"""A caption file of the user, and the interface of readers for its format."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from clcap_cli.datasets.cells import describe_type
from clcap_cli.datasets.file_content import compression_of, decode, encoding_of, read_bytes
from clcap_cli.datasets.json_document import JsonDocument, read_document
from clcap_cli.datasets.parsing import split_lines
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.table import Table
from clcap_cli.errors import first_few
from clcap_cli.input_files import check_readable, is_folder, is_folder_on_disk
from clcap_cli.path_patterns import is_pattern

HEAD_SIZE = 2**16
"""Number of bytes at the start of a file by which formats other than JSON are recognised."""
_TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet")
_MAGIC = {
    b"\x89HDF": "an HDF5 file",
    b"PK": "a ZIP archive (unpack it first) or a PyTorch file",
    b"PAR1": "a Parquet file",
}


class Source:
    """A caption file, of which only as much is read as is needed to recognise its format.

    Raises ClcapError if it cannot be read.
    """

    def __init__(self, path: Path, options: ReadOptions = ReadOptions()):
        self.path, self.options = path, options
        if not self.has_several_files:
            check_readable(path)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder on disk."""
        return is_folder_on_disk(self.path)

    @cached_property
    def has_several_files(self) -> bool:
        """Whether it is a folder or a pattern, which has no content of its own."""
        return is_pattern(self.path) or is_folder(self.path)

    @property
    def notes(self) -> list[str]:
        """The compression and the encoding of a file that is not plain UTF-8, as phrases."""
        if self.has_several_files:
            return []
        compression = compression_of(self.path)
        encoding = self.encoding.upper().removesuffix("-SIG")
        notes = [f"decompressed with {compression}"] if compression else []
        return [*notes, f"decoded as {encoding}"] if self.first_lines and encoding != "UTF-8" else notes

    @property
    def encoding(self) -> str:
        """Name of the encoding of a text file, chosen or recognised."""
        return encoding_of(self.head, self.options.encoding)

    @cached_property
    def head(self) -> bytes:
        """The first ``HEAD_SIZE`` bytes of the file's decompressed content; empty for several files."""
        return b"" if self.has_several_files else read_bytes(self.path, HEAD_SIZE)

    @cached_property
    def content(self) -> bytes:
        """The whole decompressed content."""
        return read_bytes(self.path)

    @cached_property
    def text(self) -> str:
        """The whole content as text; raises ClcapError if it is not text in the chosen or recognised encoding."""
        return decode(self.content, self.path, self.options.encoding)

    @property
    def lines(self) -> list[str]:
        """All lines of a text file, without their ends."""
        return split_lines(self.text)

    @cached_property
    def first_lines(self) -> list[str]:
        """The complete lines at the start of a text file, without their ends; empty for a binary file."""
        text = self.head.decode(self.encoding, "replace").removeprefix("\ufeff")
        if "\0" in text:
            return []
        lines = split_lines(text)
        return lines[:-1] if len(self.head) == HEAD_SIZE and len(lines) > 1 else lines

    @cached_property
    def document(self) -> JsonDocument | None:
        """The start of the file if it is a JSON object or list, otherwise None.

        Raises ClcapError if the file starts like JSON but is not valid JSON.
        """
        start = "".join(self.first_lines).lstrip()
        return read_document(self.text, self.path) if start.startswith(("{", "[")) else None

    @property
    def value(self) -> Any:
        """The content of a JSON file; None for any other file."""
        return self.document.value if self.document and not self.document.is_json_lines else None

    def description(self) -> str:
        """Short description of the file for messages."""
        if self.is_folder:
            files = sorted(path.name for path in self.path.iterdir() if path.suffix in _TABLE_SUFFIXES)
            advice = f"; give its caption files themselves: {first_few(files)}" if files else ""
            return f"a folder without images that have texts, and without tar archives{advice}"
        if self.has_several_files:
            return "several files, none of which is a tar archive; of several files, only tar archives are read"
        if not self.head:
            return "an empty file"
        if self.document:
            kind = "JSON Lines, the first" if self.document.is_json_lines else "JSON,"
            return f"{kind} {_describe_value(self.document.value)}"
        known = next((kind for start, kind in _MAGIC.items() if self.head.startswith(start)), None)
        if not known and self.head.count(b"\0") == 1 and "\ufffd" not in self.head.decode("utf-8", "replace"):
            line = self.head.partition(b"\0")[0].count(b"\n") + 1
            return f"a text file with a NUL character in line {line}"
        if known or not self.first_lines:
            return known or f"a binary file that starts with the bytes {self.head[:4].hex(' ')}"
        start = "\n".join(self.first_lines).strip()[:40]
        return f"a text file that starts with {start!r}"


@dataclass(frozen=True)
class Reader:
    """A format of caption files."""

    name: str
    """Name in messages."""
    recognises: Callable[[Source], bool]
    """Function that decides whether a file has this format; the file may be damaged."""
    read: Callable[[Source], Table]
    """Function that returns the rows of a recognised file; it raises ClcapError if the file is invalid."""


def _describe_value(value: object) -> str:
    if isinstance(value, dict):
        return f"an object with the keys {first_few([str(key)[:30] for key in value])}" if value else "an empty object"
    if isinstance(value, list):
        return f"a list that starts with {_describe_value(value[0])}" if value else "an empty list"
    return describe_type(value) if not isinstance(value, str) else "a string"
