"""Content ids: the first 16 hex digits of a SHA-256."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def digest(parts: Iterable[bytes]) -> str:
    """The content id of all parts, one after another."""
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return state.hexdigest()[:16]


def digest_of_file(path: Path) -> str:
    """The content id of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def digest_of_json(content: object) -> str:
    """The content id of plain data."""
    return digest([json.dumps(content, sort_keys=True, ensure_ascii=False).encode()])
