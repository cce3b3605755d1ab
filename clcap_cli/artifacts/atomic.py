"""Atomic writing of files: a file appears complete or not at all."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from clcap_cli.artifacts.hidden_files import temporary_path
from clcap_cli.artifacts.leftovers import remove, remove_leftovers, remove_leftovers_in
from clcap_cli.artifacts.output_lock import lock_until_stage_end, locked
from clcap_cli.artifacts.output_path import check_output_folder, check_output_path, is_any_of, real_path, write_errors
from clcap_cli.compute.process import at_stage_end
from clcap_cli.compute.processes import may_write
from clcap_cli.errors import ClcapError, first_few


@dataclass(frozen=True)
class _Pending:
    """A file that is being written."""

    path: Path
    """Path as the caller named it."""
    final: Path
    """Path with links followed."""
    part: Path
    """Temporary file beside it."""

    def rename(self) -> None:
        """Replace the file by the temporary one, which gets its permissions."""
        replaced = _REPLACED.get()
        with suppress(FileNotFoundError):
            old = self.final.stat()
            self.part.chmod(old.st_mode & 0o777)
            if replaced is not None:
                replaced[self.path] = datetime.fromtimestamp(old.st_mtime)
        self.part.replace(self.final)
        remove(self.part)  # renaming leaves it if both are names of the same file


_PENDING: ContextVar[list[_Pending] | None] = ContextVar("_PENDING", default=None)
"""Files to be renamed together at the end of ``all_or_nothing``."""
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
    assert may_write(), f"only the first process writes files, such as {path}"
    final = real_path(path)
    file = _Pending(path, final, temporary_path(final))
    pending = _PENDING.get()
    try:
        with _write_errors(file):
            yield file.part
        if pending is None:
            _finish([file])
        else:
            pending.append(file)
    except BaseException:
        remove(file.part)
        raise


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Make all files that the block writes atomically appear together at its end, or none of them if anything fails.

    Within another such block, they appear at the end of that one. They are renamed one after the other when all of them
    are on disk. What can still stop after the first, such as a loss of power, leaves a mix of complete new and complete
    old files.
    """
    if _PENDING.get() is not None:
        yield
        return
    pending: list[_Pending] = []
    token = _PENDING.set(pending)
    try:
        yield
        _finish(pending)
    except BaseException:
        for file in pending:
            remove(file.part)
        raise
    finally:
        _PENDING.reset(token)


def _finish(files: list[_Pending]) -> None:
    """Rename the files when all are on disk; raises ClcapError, which names those that were already renamed."""
    for file in files:
        with _write_errors(file):
            sync(file.part)
    done: list[Path] = []
    for file in files:
        try:
            with _write_errors(file):
                file.rename()
        except ClcapError as error:
            written = f"; already written: {first_few(done)}" if done else ""
            raise ClcapError(f"{error}{written}") from error
        done.append(file.path)
    for folder in {file.final.parent for file in files}:
        with suppress(OSError):  # some file systems cannot sync folders
            sync(folder)


@contextmanager
def _write_errors(file: _Pending) -> Iterator[None]:
    """Raise ClcapError for errors about ``file``; those about other files, such as inputs, keep their names."""
    try:
        yield
    except OSError as error:
        if error.filename is not None and Path(os.fsdecode(error.filename)) not in (file.part, file.final):
            raise
        reason = error.strerror or error
        if error.errno == errno.ENOENT and not file.final.parent.exists():
            reason = "its folder was removed"
        raise ClcapError(f"{file.path} cannot be written: {reason}") from error


def sync(path: Path) -> None:
    """Flush a file or a folder to disk.

    Files are flushed before they are renamed, because some systems report a full disk only then; folders afterwards, so
    that the new names survive a loss of power.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically as UTF-8; characters that are not valid Unicode become question marks."""
    with atomic_write(path) as part:
        part.write_bytes(text.encode("utf-8", "replace"))


def check_writable(path: Path, inputs: Iterable[Path] = (), outputs: Iterable[Path] = ()) -> Path:
    """Fail before hours of work rather than after them if ``path`` is not writable.

    It must be none of the ``inputs`` and none of the other ``outputs`` of the stage. Creates the folder if it is
    missing, locks ``path`` until the running stage ends, and removes the temporary files that killed runs left of it.
    Of several processes, only the first one does this. Returns ``path``.
    """
    if is_any_of(path, inputs):
        raise ClcapError(f"{path} is an input of this command, so it cannot be overwritten; give another name")
    if is_any_of(path, outputs):
        raise ClcapError(f"{path} is named for two outputs of this command; give each a name of its own")
    check_output_path(path)
    if not may_write():
        return path
    _create_folder(path, real_path(path).parent)
    if lock_until_stage_end(path):
        remove_leftovers(real_path(path))
    return path


def remove_new_folders_of(path: Path) -> None:
    """Remove the folders of ``path`` that are missing now at the end of the running stage, if they are empty then."""
    for folder in reversed(real_path(path).parents):
        if not folder.exists():
            at_stage_end(partial(_remove_if_empty, folder))


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def check_writable_folder(folder: Path, suffixes: tuple[str, ...]) -> None:
    """``check_writable`` for a folder in which a stage writes many files with these ``suffixes``.

    The folder has one lock for all of them.
    """
    check_output_folder(folder)
    if not may_write():
        return
    _create_folder(folder, real_path(folder))
    if lock_until_stage_end(folder):
        remove_leftovers_in(real_path(folder), suffixes)


@contextmanager
def written_alone(path: Path) -> Iterator[None]:
    """Lock ``path`` during the block, for a file that several stages may write, such as a cache.

    Raises BusyError if another process holds the lock.
    """
    with locked(path) as is_new:
        if is_new:
            remove_leftovers(real_path(path))
        yield


def _create_folder(path: Path, folder: Path) -> None:
    """Create ``folder`` and check that files can be created in it; messages name ``path``."""
    with write_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


def free_bytes(path: Path) -> int:
    """Free space on the disk of ``path``, whose folder exists."""
    return shutil.disk_usage(real_path(path).parent).free


def check_free_space(path: Path, mebibytes: float) -> None:
    """Raise ClcapError if the disk does not have ``mebibytes`` MiB free for ``path``.

    An older file at ``path`` stays until the new one is complete, so its space does not count as free.
    """
    folder = real_path(path).parent
    free = free_bytes(path) / 2**20
    if mebibytes > free:
        raise ClcapError(f"{path} needs {mebibytes:,.1f} MiB, but the disk of {folder} has only {free:,.1f} MiB free")
