"""Content ids: the first 16 hexadecimal digits of a SHA-256 hash."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from clcap_cli.input_files import check_readable, is_file, is_folder

SMALL_FILE = 2**16
"""Maximum size in bytes of a file whose content is part of its folder's content id."""


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


def digest_of_path(path: Path) -> str:
    """The content id of a file or a folder.

    That of a folder depends on the paths and sizes of its files, and on the content of those that are small, such as
    texts. Raises ClcapError if the file cannot be read.
    """
    return digest(_parts_of_folder(path)) if is_folder(path) else digest_of_file(path)


def _parts_of_folder(folder: Path) -> Iterator[bytes]:
    for path in sorted(filter(is_file, folder.rglob("*"))):
        if path.name.startswith(".") and path.suffix in (".lock", ".part"):  # of outputs that are being written there
            continue
        size = path.stat().st_size
        yield f"{path.relative_to(folder).as_posix()}\0{size}\0".encode("utf-8", "surrogateescape")
        yield digest_of_file(path).encode() if size <= SMALL_FILE else b""


def digest_of_json(content: object) -> str:
    """The content id of data that JSON can represent."""
    return digest([json.dumps(content, sort_keys=True, ensure_ascii=False).encode()])
