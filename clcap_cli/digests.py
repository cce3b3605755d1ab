"""Content ids: the first 16 hex digits of a SHA-256."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from clcap_cli.input_files import check_readable


def digest(parts: Iterable[bytes]) -> str:
    """A short content id: the first 16 hex digits of the SHA-256 of all parts."""
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return state.hexdigest()[:16]


def digest_of_file(path: Path) -> str:
    """The content id of a file's bytes.

    Raises ClcapError when it cannot be read.
    """
    check_readable(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def digest_of_json(content: object) -> str:
    """The content id of plain data."""
    return digest([json.dumps(content, sort_keys=True, ensure_ascii=False).encode()])
