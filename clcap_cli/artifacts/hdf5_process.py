"""Processes in which the HDF5 library reads files: one process for each file.

They are forked from a helper process that has imported h5py and little else. Forking the calling process instead would
cost a tenth of a second once PyTorch is loaded, and a fork of a process with several threads may hang.
"""

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import TypeVar

T = TypeVar("T")

HELPER = "import sys; sys.path[:] = {path}; from {module} import serve; serve({descriptor})"
SINGLE_THREADED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Environment in which NumPy starts no threads, so that the helper process can be forked safely."""
KILLED = -int(signal.SIGKILL)


class ProcessEndedError(Exception):
    """A process ended without a result.

    Args:
        status: Exit status; the negative number of the signal if a signal ended the process.
    """

    def __init__(self, status: int):
        super().__init__(f"exit status {status}")
        self.status = status


class _Helper:
    """The helper process and the connection to it."""

    def __init__(self) -> None:
        self._connection, other = Pipe()
        with other:
            code = HELPER.format(path=sys.path, module=__name__, descriptor=other.fileno())
            self._process = Popen(
                [sys.executable, "-c", code],
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=DEVNULL,
                env={**os.environ, **SINGLE_THREADED},
                pass_fds=[other.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal is left to the caller
            )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def call(self, function: Callable[..., T], arguments: tuple[object, ...]) -> T:
        """The result of ``function`` in a new process; raises ProcessEndedError if there is none."""
        receiver, sender = Pipe(duplex=False)
        with receiver:
            with sender:
                self._connection.send((_working_folder(), function, arguments))
                send_handle(self._connection, sender.fileno(), self._process.pid)
            with contextlib.suppress(EOFError, OSError):
                result: T = receiver.recv()
                self._connection.recv()
                return result
        raise ProcessEndedError(self._connection.recv())

    def kill(self) -> None:
        """End the helper process and the process that it started."""
        self._connection.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class HDF5Processes:
    """Starts a process for each call, one at a time; the helper process starts with the first call."""

    def __init__(self) -> None:
        self._helper: _Helper | None = None
        self._lock = threading.Lock()
        # A forked process shares the connection with its parent, so it must not use it.
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.end)

    def call(self, function: Callable[..., T], *arguments: object) -> T:
        """The result of ``function``, which must be defined at the top of a module.

        Raises ProcessEndedError if the process ends without a result, for example because HDF5 crashes.
        """
        with self._lock:
            if self._helper is None or not self._helper.is_running:
                self._helper = _Helper()
            try:
                return self._helper.call(function, arguments)
            except ProcessEndedError:
                raise
            except (EOFError, OSError):
                self.end()
                raise ProcessEndedError(KILLED) from None
            except BaseException:  # interrupted: the process may never end
                self.end()
                raise

    def end(self) -> None:
        """End the helper process, if there is one."""
        if self._helper is not None:
            self._helper.kill()
            self._helper = None

    def _forget(self) -> None:
        self._helper, self._lock = None, threading.Lock()


def serve(descriptor: int) -> None:
    """Fork a process for each call that arrives, until the caller closes the connection. Runs in the helper process."""
    import h5py  # noqa: F401  (imported once instead of in every process)

    connection = Connection(descriptor)
    with contextlib.suppress(EOFError, OSError):
        while True:
            folder, function, arguments = connection.recv()
            result = recv_handle(connection)
            process = os.fork()
            if process == 0:
                _send_result(Connection(result, readable=False), folder, function, arguments)
            os.close(result)
            _, status = os.waitpid(process, 0)
            connection.send(os.waitstatus_to_exitcode(status))


def _working_folder() -> str | None:
    """The working folder, which relative paths start from; None if it was deleted."""
    with contextlib.suppress(FileNotFoundError):
        return str(Path.cwd())
    return None


def _send_result(
    sender: Connection, folder: str | None, function: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    """Send the result of ``function``, called in ``folder``, and end this process without cleanup."""
    try:
        if folder is not None:
            os.chdir(folder)
        sender.send(function(*arguments))
    finally:
        os._exit(1)
