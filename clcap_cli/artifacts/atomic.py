"""Files appear whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import IO

from clcap_cli.errors import ClcapError

_PENDING: ContextVar[dict[Path, Path] | None] = ContextVar("_WAITING", default=None)
"""Files that are written and get their names together: temporary paths by the final ones."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it into place if the block ends well, remove it if not.

    Raises ClcapError when the folder cannot be written or the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    waiting = _PENDING.get()
    try:
        with _write_errors(path):
            yield part
            if waiting is None:
                _sync(part)
                part.replace(path)
            else:
                waiting[path] = part
    except BaseException:
        _remove(part)
        raise


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """What is written whole within the block gets its names at the end, or, if anything fails, nothing does."""
    waiting: dict[Path, Path] = {}
    before = _PENDING.set(waiting)
    try:
        yield
        for act in (lambda part, _: _sync(part), Path.replace):
            for path, part in waiting.items():
                with _write_errors(path):
                    act(part, path)
    except BaseException:
        for part in waiting.values():
            _remove(part)
        raise
    finally:
        _PENDING.reset(before)


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ClcapError(f"{path} cannot be written: {error.strerror or error}") from error


def _sync(part: Path) -> None:
    """Have it on the disk before it gets its name: some systems say only then that the disk is full."""
    with part.open("rb") as file:
        os.fsync(file.fileno())


def _remove(part: Path) -> None:
    with suppress(OSError):
        part.unlink()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for files that are needed within the block only.

    Raises ClcapError when there is no room for one.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="clcap-")
    except OSError as error:
        raise _temporary_file_error(error) from error
    with folder as name:
        yield Path(name)


def temporary_file() -> IO[bytes]:
    """A file without a name that is gone when it is closed; raises ClcapError when there is no room for one."""
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise _temporary_file_error(error) from error


def _temporary_file_error(error: OSError) -> ClcapError:
    return ClcapError(f"no temporary file can be made: {error.strerror or error}; name a folder for them in TMPDIR")


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; what is no valid Unicode in it becomes a question mark."""
    with atomic_write(path) as part:
        part.write_bytes(text.encode("utf-8", "replace"))


def is_any_of(path: Path, others: Iterable[Path]) -> bool:
    """Whether ``path`` leads to one of ``others``; unlike ``resolve``, links that lead in a circle lead nowhere."""
    return os.path.realpath(path) in map(os.path.realpath, others)


def check_writable(path: Path, read: Iterable[Path] = ()) -> Path:
    """Fail now, not after hours of work, if ``path`` cannot be written or is one of the files that are ``read``.

    Its folder is made where it is missing.
    """
    if is_any_of(path, read):
        raise ClcapError(f"{path} is read, so it cannot be written; give another name")
    check_place(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise ClcapError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def check_place(path: Path) -> None:
    """Raise ClcapError where no file can be written to ``path``; nothing is made on the disk."""
    if path.is_dir():
        raise ClcapError(f"{path} cannot be written: it is a folder; give the name of a file")
    folder = next(parent for parent in [*path.parents, Path.cwd()] if parent.exists())
    if not folder.is_dir():
        raise ClcapError(f"{path} cannot be written: {folder} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ClcapError(f"{path} cannot be written: no permission to write to {folder}")


def check_free_space(path: Path, mebibytes: float) -> None:
    """Fail now if the disk has no room for a file of this size at ``path``."""
    free = shutil.disk_usage(path.parent).free / 2**20
    if mebibytes > free:
        raise ClcapError(f"{path} would take {mebibytes:,.0f} MiB and the disk has {free:,.0f} MiB free")
