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
from pathlib import Path

from clcap_cli.artifacts.hidden_files import HOST, lock_path
from clcap_cli.artifacts.leftovers import remove_leftovers
from clcap_cli.artifacts.output_path import real_path
from clcap_cli.compute.process import at_stage_end
from clcap_cli.errors import ClcapError

UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
"""Errors of file systems that have no locks."""
ATTEMPTS, SECONDS_BETWEEN_ATTEMPTS = 6, 0.02
"""A process that checks or removes a lock holds it for less than a millisecond."""
LONGEST_COMMAND, LONGEST_CONTENT = 500, 10_000
"""Characters of the command in a lock file, and bytes that are read of it."""
START = b'{"clcap": "lock", '
"""First bytes of every lock file."""
_HELD: dict[Path, int] = {}
"""The locks that this process holds, each with the thread that took it."""


class BusyError(ClcapError):
    """An output that another process is writing."""


def lock_until_stage_end(path: Path) -> None:
    """Lock ``path`` until the running stage ends, and remove what killed runs left of it.

    Outside of stages, only check that no other process holds the lock. Raises BusyError if one does.
    """
    release = _acquire(path)
    if release and not at_stage_end(release):
        release()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of ``path`` during the block; raises BusyError if another process holds it."""
    release = _acquire(path)
    try:
        yield
    finally:
        if release:
            release()


def check_unlocked(path: Path) -> None:
    """Raise BusyError if another process holds the lock of ``path``; creates nothing on disk."""
    lock = lock_path(real_path(path))
    if _HELD.get(lock) == threading.get_ident():
        return
    with suppress(OSError):  # no lock file, or no permission to read it
        descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _busy(path, lock) from error
        finally:
            os.close(descriptor)


def _acquire(path: Path) -> Callable[[], None] | None:
    """Lock ``path`` and return the function that releases it; None if this thread holds it or there are no locks."""
    lock = lock_path(real_path(path))
    if _HELD.get(lock) == threading.get_ident():
        return None  # of a stage that calls this one
    try:
        descriptor = _locked(lock)
    except BlockingIOError as error:
        raise _busy(path, lock) from error
    except OSError as error:
        raise ClcapError(f"{path} cannot be written: its lock {lock.name}: {error.strerror or error}") from error
    if descriptor is None:
        return None
    _HELD[lock] = threading.get_ident()
    _describe_this_process(descriptor)
    remove_leftovers(real_path(path))
    return lambda: _release(lock, descriptor)


def _locked(lock: Path) -> int | None:
    """A descriptor of the locked file, None if the file system has no locks; raises BlockingIOError if it is busy."""
    for _ in range(ATTEMPTS):
        descriptor = _open(lock)
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


def _open(lock: Path) -> int:
    """Open or create a lock file; raises ClcapError for a file of this name that is not a lock."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | flags, 0o666)
    except PermissionError:  # a lock file that another user left; it can be locked all the same
        descriptor = os.open(lock, os.O_RDONLY | flags)
    if stat.S_ISREG(os.fstat(descriptor).st_mode) and _content_of(lock) is not None:
        return descriptor
    os.close(descriptor)
    raise ClcapError(f"{lock} was not written by clcap, which needs this name for a lock; rename it")


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
    pid, host, command = (content.get(name) for name in ("pid", "host", "command"))
    place = "" if host == HOST else f" on {host}"
    holder = f"process {pid}{place} ({str(command)[:LONGEST_COMMAND]})" if pid else "another process"
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
