"""Temporary files and folders outside of the outputs' folders."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from clcap_cli.errors import ClcapError

PREFIX, LOCK = "clcap-", ".lock"
"""Start of the names of temporary folders, and the locked file in each, by which a folder that was left is known."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a temporary folder that is removed at the end of the block.

    Folders that killed processes left are removed first. Raises ClcapError if it cannot be created.
    """
    try:
        _remove_left_folders(Path(tempfile.gettempdir()))
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        descriptor = _lock(folder)
    except OSError as error:
        raise _temporary_file_error(error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def temporary_file() -> IO[bytes]:
    """A temporary file that is deleted when it is closed; raises ClcapError if it cannot be created."""
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise _temporary_file_error(error) from error


def _lock(folder: Path) -> int:
    """Lock a new folder; its lock gets its name only when it is locked, so that nobody takes it for a left one."""
    new = folder / f"{LOCK}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with suppress(OSError):  # without locks, folders that are left stay
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        new.rename(folder / LOCK)
    return descriptor


def _remove_left_folders(parent: Path) -> None:
    """Remove the temporary folders of this user whose process has ended, so that nobody holds their lock."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, without a lock, in use, or removed meanwhile
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
                _remove_if_unlocked(folder)


def _remove_if_unlocked(folder: Path) -> None:
    descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _temporary_file_error(error: OSError) -> ClcapError:
    return ClcapError(
        f"cannot create a temporary file: {error.strerror or error}; set TMPDIR to a folder with free space"
    )
