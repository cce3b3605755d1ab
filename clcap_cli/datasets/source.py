"""A file of captions that somebody gives, and the record of what can read it."""

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
"""Bytes at the start of a file by which formats that are not JSON are told."""
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
    """The whole content of a JSON file; the first line of JSON Lines."""
    is_lines: bool
    """Whether more lines follow."""

    def description(self) -> str:
        """What it is, in a few words."""
        return f"{'JSON Lines, the first' if self.is_lines else 'JSON,'} {_describe_value(self.value)}"


class Source:
    """A file of captions, looked at as far as it takes to tell its format.

    Raises ClcapError when it cannot be read.
    """

    def __init__(self, path: Path):
        check_readable(path)
        self.path = path

    @cached_property
    def head(self) -> bytes:
        """The file's first bytes, HEAD at most."""
        with self.path.open("rb") as file:
            return file.read(HEAD_SIZE)

    @cached_property
    def text(self) -> str:
        """The file's first bytes as text; a byte that is not UTF-8 is a replacement character."""
        return self.head.decode("utf-8-sig", "replace")

    @cached_property
    def document(self) -> Document | None:
        """What the file holds if it starts as JSON does, with an object or a list.

        Raises ClcapError when it goes on as JSON does not.
        """
        start = self.head.decode(json.detect_encoding(self.head), "replace").lstrip(" \t\r\n")
        return Document(*read_first_json(self.path)) if start.startswith(("{", "[")) else None

    @property
    def value(self) -> Any:
        """The content of a JSON file; None for every other file."""
        return self.document.value if self.document and not self.document.is_lines else None

    def description(self) -> str:
        """What the file is, in a few words."""
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
    """A format of files of captions."""

    name: str
    """What a message calls it, with what tells it from others."""
    recognises: Callable[[Source], bool]
    """Whether a file has this format; it may be damaged."""
    read: Callable[[Source, bool], list[CaptionRecord]]
    """The records of a file that it recognises, as a dataset or not.

    In a dataset every record needs the image's file name, and no caption is empty. It raises ClcapError for a file
    that is not as the format asks.
    """


def _describe_value(value: object) -> str:
    if isinstance(value, dict):
        return f"an object with the keys {first_few([str(key)[:30] for key in value])}" if value else "an empty object"
    if isinstance(value, list):
        return f"a list that starts with {_describe_value(value[0])}" if value else "an empty list"
    return describe_type(value) if not isinstance(value, str) else "a text"
