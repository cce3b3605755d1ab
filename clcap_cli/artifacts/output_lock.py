"""Locks of outputs, so that two processes never write the same file.

A lock is a hidden file beside the output, locked with ``flock``. The operating system releases it when its process
ends, however it ends, so that a lock file that was left behind never blocks. File systems without ``flock`` work
without locks.
"""

import errno
import fcntl
import json
import os
import shlex
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from clcap_cli.artifacts.hidden_files import HOST, lock_path
from clcap_cli.artifacts.output_path import real_path
from clcap_cli.compute.process import at_stage_end, set_until_stage_end
from clcap_cli.compute.processes import is_first
from clcap_cli.errors import ClcapError
from clcap_cli.interruption import BEFORE_SUDDEN_END

UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
"""Errors of file systems that have no locks."""
ATTEMPTS, SECONDS_BETWEEN_ATTEMPTS = 6, 0.02
"""A process that checks or removes a lock holds it for less than a millisecond."""
LONGEST_COMMAND, LONGEST_CONTENT = 500, 10_000
"""Characters of the command in a lock file, and bytes that are read of it."""
OPEN_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
START = b'{"clcap": "lock", '
"""First bytes of every lock file."""


class _Held(NamedTuple):
    """Who holds a lock, and the descriptor of its file."""

    process: int
    thread: int
    descriptor: int


_HELD: dict[Path, _Held] = {}
"""The locks that this process holds."""
_LOCKING: ContextVar[bool] = ContextVar("_LOCKING", default=True)
"""Whether locks are taken and respected."""


class BusyError(ClcapError):
    """An output that another process is writing."""


class ForeignLockError(ClcapError):
    """A file that has the name of a lock and was not written by clcap."""


def lock_nothing() -> None:
    """Take no locks until the running stage, which writes no files, ends."""
    set_until_stage_end(_LOCKING, False)


def lock_until_stage_end(path: Path) -> bool:
    """Lock ``path``, a file or an existing folder, until the running stage ends.

    Outside of stages, only check that no other process holds the lock. Returns False if nothing was locked because this
    thread holds the lock already, because the file system has no locks, or after ``lock_nothing``. Raises BusyError if
    another process holds it.
    """
    release = _acquire(path)
    if release and not at_stage_end(release):
        release()
    return release is not None


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of ``path`` during the block; yields and raises what ``lock_until_stage_end`` does."""
    release = _acquire(path)
    try:
        yield release is not None
    finally:
        if release:
            release()


def check_unlocked(path: Path) -> None:
    """Raise BusyError if another process holds the lock of ``path``; creates nothing on disk.

    Does nothing after ``lock_nothing``, and in the processes that write nothing.
    """
    if _LOCKING.get() and is_first() and is_busy(path):
        raise _busy(path, lock_path(real_path(path)))


def is_busy(path: Path) -> bool:
    """Whether another process, or another thread of this one, holds the lock of ``path``."""
    lock = lock_path(real_path(path))
    if _is_held(lock):
        return False
    try:
        descriptor = os.open(lock, os.O_RDONLY | OPEN_FLAGS)
    except OSError:  # no lock file
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks
        return False
    finally:
        os.close(descriptor)
    return False


def remove_held_locks() -> None:
    """Remove the locks of this process, which ends at once; those of a process that forked it stay."""
    for lock, held in list(_HELD.items()):
        if held.process == os.getpid() and _is_at(lock, held.descriptor):
            _unlink(lock)


BEFORE_SUDDEN_END.append(remove_held_locks)


def _is_held(lock: Path) -> bool:
    """Whether this thread holds the lock."""
    return lock in _HELD and _HELD[lock].thread == threading.get_ident()


def _acquire(path: Path) -> Callable[[], None] | None:
    """Lock ``path`` and return the function that releases it; None if this thread holds it or there are no locks."""
    lock = lock_path(real_path(path))
    if _is_held(lock) or not _LOCKING.get():
        return None  # a stage that calls this one holds it, or nothing will be written
    try:
        descriptor = _locked(lock, path)
    except BlockingIOError as error:
        raise _busy(path, lock) from error
    except OSError as error:
        raise ClcapError(f"{path} cannot be written: {error.strerror or error}") from error
    if descriptor is None:
        return None
    _HELD[lock] = _Held(os.getpid(), threading.get_ident(), descriptor)
    _describe_this_process(descriptor)
    return lambda: _release(lock, descriptor)


def _locked(lock: Path, path: Path) -> int | None:
    """A descriptor of the locked file, None if the file system has no locks; raises BlockingIOError if it is busy."""
    for _ in range(ATTEMPTS):
        descriptor = _open(lock, path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(lock, descriptor):
                return descriptor
        except BlockingIOError:
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            _unlink(lock)
            return None
        os.close(descriptor)  # busy, or removed by its last holder after it was opened
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _open(lock: Path, path: Path) -> int:
    """Open or create the lock file of ``path``; raises ForeignLockError for a file of this name that is not a lock."""
    if os.path.lexists(lock) and (not stat.S_ISREG(lock.lstat().st_mode) or _content_of(lock) is None):
        raise ForeignLockError(
            f"{_as_given(lock, path)} was not written by clcap, which needs this name for a lock; rename it"
        )
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | OPEN_FLAGS, 0o666)
    except PermissionError:  # a lock file that another user left; it can be locked all the same
        return os.open(lock, os.O_RDONLY | OPEN_FLAGS)


def _as_given(lock: Path, path: Path) -> Path:
    """The path of a lock, relative if ``path`` is."""
    beside = (path if path.is_dir() else path.parent) / lock.name
    return beside if real_path(beside.parent) == lock.parent else lock


def _is_at(lock: Path, descriptor: int) -> bool:
    """Whether the lock file that was opened is still the one on disk."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), lock.lstat())
    return False


def _describe_this_process(descriptor: int) -> None:
    command = shlex.join(["clcap", *sys.argv[1:]])[:LONGEST_COMMAND]
    content = json.dumps({"clcap": "lock", "pid": os.getpid(), "host": HOST, "command": command})
    with suppress(OSError):  # a full disk, or a lock file that another user left
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, content.encode(), 0)


def _content_of(lock: Path) -> dict[str, object] | None:
    """What a lock file says about its process, empty if it is not yet or only partly written; None for other files."""
    try:
        with lock.open("rb") as file:
            content = file.read(LONGEST_CONTENT)
    except OSError:
        return {}
    if not content.startswith(START[: len(content)]):
        return None
    with suppress(ValueError, RecursionError):
        return json.loads(content)
    return {}


def _busy(path: Path, lock: Path) -> BusyError:
    content = _content_of(lock) or {}
    pid, host, command = (str(content.get(name, ""))[:LONGEST_COMMAND] for name in ("pid", "host", "command"))
    place = "" if host == HOST else f" on {host}"
    holder = f"process {pid}{place} ({command})" if pid else "another process"
    return BusyError(f"{path} is being written by {holder}; wait until it ends, or choose another output")


def _release(lock: Path, descriptor: int) -> None:
    """Remove and release a lock; it is removed first, so that nobody else's lock can be."""
    _HELD.pop(lock, None)
    if _is_at(lock, descriptor):
        _unlink(lock)
    os.close(descriptor)


def _unlink(lock: Path) -> None:
    with suppress(OSError):
        lock.unlink()
