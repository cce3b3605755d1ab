"""Atomic writing of files: a file appears complete or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import IO

from clcap_cli.errors import ClcapError

_PENDING: ContextVar[dict[Path, Path] | None] = ContextVar("_PENDING", default=None)
"""Files to be renamed together at the end of ``all_or_nothing``: temporary paths by final paths."""
_REPLACED: ContextVar[dict[Path, datetime] | None] = ContextVar("_REPLACED", default=None)
"""Files replaced within ``record_replaced``, with the modification times of the old files."""


@contextmanager
def record_replaced() -> Iterator[dict[Path, datetime]]:
    """Yield a dict that receives the files replaced within the block, with the modification times of the old files."""
    replaced: dict[Path, datetime] = {}
    token = _REPLACED.set(replaced)
    try:
        yield replaced
    finally:
        _REPLACED.reset(token)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to ``path``; rename it to ``path`` if the block succeeds, remove it otherwise.

    Raises ClcapError if the folder is not writable or the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    pending = _PENDING.get()
    try:
        with _write_errors(path):
            yield part
            if pending is None:
                _sync(part)
                _rename(part, path)
            else:
                pending[path] = part
    except BaseException:
        _remove(part)
        raise


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Make all files that the block writes atomically appear together at its end, or none of them if anything fails."""
    pending: dict[Path, Path] = {}
    token = _PENDING.set(pending)
    try:
        yield
        for step in (lambda part, _: _sync(part), _rename):
            for path, part in pending.items():
                with _write_errors(path):
                    step(part, path)
    except BaseException:
        for part in pending.values():
            _remove(part)
        raise
    finally:
        _PENDING.reset(token)


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ClcapError(f"{path} cannot be written: {error.strerror or error}") from error


def _sync(part: Path) -> None:
    """Flush the file to disk before it is renamed, because some systems report a full disk only then."""
    with part.open("rb") as file:
        os.fsync(file.fileno())


def _rename(part: Path, path: Path) -> None:
    replaced = _REPLACED.get()
    if replaced is not None and path.exists():
        replaced[path] = datetime.fromtimestamp(path.stat().st_mtime)
    part.replace(path)


def _remove(part: Path) -> None:
    with suppress(OSError):
        part.unlink()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a temporary folder that is removed at the end of the block.

    Raises ClcapError if it cannot be created.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="clcap-")
    except OSError as error:
        raise _temporary_file_error(error) from error
    with folder as name:
        yield Path(name)


def temporary_file() -> IO[bytes]:
    """A temporary file that is deleted when it is closed; raises ClcapError if it cannot be created."""
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise _temporary_file_error(error) from error


def _temporary_file_error(error: OSError) -> ClcapError:
    return ClcapError(
        f"cannot create a temporary file: {error.strerror or error}; set TMPDIR to a folder with free space"
    )


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically as UTF-8; characters that are not valid Unicode become question marks."""
    with atomic_write(path) as part:
        part.write_bytes(text.encode("utf-8", "replace"))


def is_any_of(path: Path, files: Iterable[Path]) -> bool:
    """Whether ``path`` is the same file as one of ``files``, links followed."""
    # Unlike Path.resolve, realpath accepts links that form a cycle.
    return os.path.realpath(path) in map(os.path.realpath, files)


def check_writable(path: Path, inputs: Iterable[Path] = ()) -> Path:
    """Fail before hours of work rather than after them if ``path`` is not writable or is one of the ``inputs``.

    Creates the folder if it is missing. Returns ``path``.
    """
    if is_any_of(path, inputs):
        raise ClcapError(f"{path} is an input of this command, so it cannot be overwritten; give another name")
    check_output_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise ClcapError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def check_output_path(path: Path) -> None:
    """Raise ClcapError if no file can be written to ``path``; the check creates nothing on disk."""
    if path.is_dir():
        raise ClcapError(f"{path} cannot be written: it is a folder; give the name of a file")
    folder = next(parent for parent in [*path.parents, Path.cwd()] if parent.exists())
    if not folder.is_dir():
        raise ClcapError(f"{path} cannot be written: {folder} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ClcapError(f"{path} cannot be written: no permission to write to {folder}")


def check_free_space(path: Path, mebibytes: float) -> None:
    """Raise ClcapError if the disk does not have ``mebibytes`` MiB free for ``path``."""
    free = shutil.disk_usage(path.parent).free / 2**20
    if mebibytes > free:
        raise ClcapError(f"{path} needs {mebibytes:,.0f} MiB, but the disk has only {free:,.0f} MiB free")
