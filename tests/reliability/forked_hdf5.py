"""Reading of HDF5 in processes that are forked from the fuzzing worker, which loaded h5py once.

clcap forks them from a helper process, which each worker would have to start again. The limits are the same.
"""

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from clcap_cli.artifacts import hdf5_survey
from clcap_cli.artifacts.hdf5_process import ProcessEndedError


class ForkedProcesses:
    """Runs each call in a process forked from this one."""

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """The result of ``function``; raises ProcessEndedError if its process ends without one."""
        receiver, sender = os.pipe()
        process = os.fork()
        if process == 0:
            try:
                os.close(receiver)
                with os.fdopen(sender, "wb") as stream:
                    stream.write(pickle.dumps(function(*arguments)))
            finally:
                os._exit(0)
        os.close(sender)
        with os.fdopen(receiver, "rb") as stream:
            content = stream.read()
        _, status = os.waitpid(process, 0)
        with suppress(EOFError, pickle.UnpicklingError):
            return pickle.loads(content)
        raise ProcessEndedError(os.waitstatus_to_exitcode(status))


def fork_directly() -> None:
    """Let this process and those forked from it read HDF5 without the helper process."""
    import h5py  # noqa: F401  (imported once instead of in every process)

    hdf5_survey.PROCESSES = ForkedProcesses()  # type: ignore[assignment]
