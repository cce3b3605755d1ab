"""A caption file of the user, and the interface of readers for its format."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from clcap_cli.datasets.cells import describe_type
from clcap_cli.datasets.parsing import read_first_json
from clcap_cli.datasets.records import CaptionRecord
from clcap_cli.errors import first_few
from clcap_cli.input_files import check_readable

HEAD_SIZE = 2**16
"""Number of bytes at the start of a file by which formats other than JSON are recognised."""
_MAGIC = {
    b"\x89HDF": "an HDF5 file",
    b"PK": "a ZIP archive or a PyTorch file",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet file",
}


@dataclass(frozen=True)
class Document:
    """The start of a JSON or JSON Lines file."""

    value: Any
    """Content of a JSON file, or of the first line of JSON Lines."""
    is_json_lines: bool
    """Whether more lines follow, which makes the file JSON Lines."""

    def description(self) -> str:
        """Short description for messages."""
        return f"{'JSON Lines, the first' if self.is_json_lines else 'JSON,'} {_describe_value(self.value)}"


class Source:
    """A caption file, of which only as much is read as is needed to recognise its format.

    Raises ClcapError if it cannot be read.
    """

    def __init__(self, path: Path):
        check_readable(path)
        self.path = path

    @cached_property
    def head(self) -> bytes:
        """The first ``HEAD_SIZE`` bytes of the file."""
        with self.path.open("rb") as file:
            return file.read(HEAD_SIZE)

    @cached_property
    def text(self) -> str:
        """The first bytes as text; invalid UTF-8 becomes replacement characters."""
        return self.head.decode("utf-8-sig", "replace")

    @cached_property
    def document(self) -> Document | None:
        """The start of the file if it is a JSON object or list, otherwise None.

        Raises ClcapError if the file starts like JSON but is not valid JSON.
        """
        start = self.head.decode(json.detect_encoding(self.head), "replace").lstrip(" \t\r\n")
        return Document(*read_first_json(self.path)) if start.startswith(("{", "[")) else None

    @property
    def value(self) -> Any:
        """The content of a JSON file; None for any other file."""
        return self.document.value if self.document and not self.document.is_json_lines else None

    def description(self) -> str:
        """Short description of the file for messages."""
        if not self.head:
            return "an empty file"
        if self.document:
            return self.document.description()
        kind = next((kind for start, kind in _MAGIC.items() if self.head.startswith(start)), None)
        if kind or b"\0" in self.head:
            return kind or f"a binary file that starts with the bytes {self.head[:4].hex(' ')}"
        return f"a text file that starts with {self.text.strip()[:40]!r}"


@dataclass(frozen=True)
class Reader:
    """A format of caption files."""

    name: str
    """Name in messages, with the features that distinguish the format."""
    recognises: Callable[[Source], bool]
    """Function that decides whether a file has this format; the file may be damaged."""
    read: Callable[[Source, bool], list[CaptionRecord]]
    """Function that returns the records of a recognised file; its second argument is ``require_images``.

    With ``require_images``, every record must have the image's file name, and no caption may be empty. It raises
    ClcapError if the file is invalid.
    """


def _describe_value(value: object) -> str:
    if isinstance(value, dict):
        return f"an object with the keys {first_few([str(key)[:30] for key in value])}" if value else "an empty object"
    if isinstance(value, list):
        return f"a list that starts with {_describe_value(value[0])}" if value else "an empty list"
    return describe_type(value) if not isinstance(value, str) else "a string"
