"""Content ids: the first 16 hexadecimal digits of a SHA-256 hash."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from clcap_cli.input_files import check_readable


def digest(parts: Iterable[bytes]) -> str:
    """The content id of all parts together."""
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return state.hexdigest()[:16]


def digest_of_file(path: Path) -> str:
    """The content id of a file's bytes.

    Raises ClcapError if the file cannot be read.
    """
    check_readable(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def digest_of_json(content: object) -> str:
    """The content id of data that JSON can represent."""
    return digest([json.dumps(content, sort_keys=True, ensure_ascii=False).encode()])
