"""Content ids: the first 16 hexadecimal digits of a SHA-256 hash."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from clcap_cli.input_files import check_readable, is_file, is_folder
from clcap_cli.path_patterns import files_of, is_pattern
from clcap_cli.remote_path import RemotePath

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
    """The content id of a file, a folder, or the files of a pattern.

    That of several files depends on their paths and sizes, and on the content of those that are small, such as texts;
    that of files in object stores on what the store says of their content. Raises ClcapError if a file cannot be read.
    """
    if is_pattern(path):
        return digest(_parts_of(files_of(path), path.parent))
    if isinstance(path, RemotePath):
        return digest([path.fingerprint.encode()])
    return digest(_parts_of_folder(path)) if is_folder(path) else digest_of_file(path)


def _parts_of_folder(folder: Path) -> Iterator[bytes]:
    paths = sorted(filter(is_file, folder.rglob("*")))
    # files with these suffixes are of outputs that are being written there
    return _parts_of(
        (one for one in paths if not (one.name.startswith(".") and one.suffix in (".lock", ".part"))), folder
    )


def _parts_of(files: Iterable[Path], folder: Path) -> Iterator[bytes]:
    for path in files:
        if isinstance(path, RemotePath):
            yield f"{path}\0{path.fingerprint}\0".encode()
            continue
        size = path.stat().st_size
        yield f"{os.path.relpath(path, folder)}\0{size}\0".encode("utf-8", "surrogateescape")
        yield digest_of_file(path).encode() if size <= SMALL_FILE else b""


def digest_of_json(content: object) -> str:
    """The content id of data that JSON can represent."""
    return digest([json.dumps(content, sort_keys=True, ensure_ascii=False).encode()])
