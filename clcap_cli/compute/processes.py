"""The processes that run one stage together, started by torchrun or by another launcher of PyTorch.

Every process runs the whole stage, each on its own share of the images. The first one alone prints and writes files.
One process pays nothing for this: PyTorch is not imported here before other processes are known to exist.
"""

import atexit
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from clcap_cli.compute.process import at_stage_end
from clcap_cli.errors import ClcapError, first_line_of
from clcap_cli.interruption import INTERRUPTION
from clcap_cli.verbosity import VERBOSITY

T = TypeVar("T")
RANK, COUNT, LOCAL_RANK = "RANK", "WORLD_SIZE", "LOCAL_RANK"
VARIABLES = (RANK, COUNT, "MASTER_ADDR", "MASTER_PORT")
"""Environment variables that torchrun sets for every process."""
SECONDS_FOR_FIRST = 5
"""Time in seconds for which processes that have not joined the others leave it to the first one to print an error."""
TIMEOUT = timedelta(hours=6)
"""Time for which processes wait for the first one, which alone writes files and computes scores."""


@dataclass(frozen=True)
class Processes:
    """This process among those that run the stage."""

    rank: int
    count: int

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """This process's part of ``items``: contiguous, and as long as those of the others give or take one item."""
        first, end = (len(items) * rank // self.count for rank in (self.rank, self.rank + 1))
        return items[first:end]


ALONE = Processes(0, 1)
_current = ALONE
_store: Any = None
_writes_own_files = False


def processes() -> Processes:
    """The processes that run this stage."""
    return _current


def is_first() -> bool:
    """Whether this process is the one that prints and writes files."""
    return _current.rank == 0


def write_own_files() -> None:
    """Let each process write files of its own until the stage ends."""
    global _writes_own_files
    _writes_own_files = True


def may_write() -> bool:
    """Whether this process writes files."""
    return is_first() or _writes_own_files


def are_launched() -> bool:
    """Whether a launcher has started this process together with others."""
    return all(os.environ.get(name) for name in VARIABLES) and os.environ[COUNT] != "1"


def is_first_launched() -> bool:
    """Whether this process is the first, also before it has joined the others."""
    return not are_launched() or os.environ[RANK] == "0"


def local_rank() -> int:
    """The number of this process among those on this machine."""
    return int(os.environ.get(LOCAL_RANK, _current.rank))


def join(stage: str, is_supported: bool) -> None:
    """Join the processes that a launcher has started with this one, if there are any, until the stage ends.

    Raises ClcapError if the stage runs in one process only, and if the others cannot be reached.
    """
    global _current
    if _current is not ALONE or not are_launched():
        return
    rank, count = (_number(name) for name in (RANK, COUNT))
    _current = Processes(rank, count)
    at_stage_end(_leave)
    if not is_first():
        VERBOSITY.messages = VERBOSITY.details = VERBOSITY.answers = False
        INTERRUPTION.is_reported = True
    if not is_supported:
        raise ClcapError(f"{stage} runs in one process; start it without torchrun")
    _connect(rank, count)


def is_first_to_report(message: str) -> bool:
    """Whether no other process has reported this error; errors that all of them meet are printed once."""
    if _store is None:
        return is_first_launched() or _outlives_the_first()
    try:
        return _store.add(f"error: {message}", 1) == 1
    except RuntimeError:  # the process with the store has ended, which another message explains
        return False


def _outlives_the_first() -> bool:
    """Wait, so that the launcher ends this process if the first one ends; True if it does not.

    A process that ended before the first would make the launcher end that before it has printed its message.
    """
    INTERRUPTION.is_reported = True
    time.sleep(SECONDS_FOR_FIRST)
    return True


def _connect(rank: int, count: int) -> None:
    global _store
    import torch
    import torch.distributed as dist

    if dist.is_initialized():  # by an earlier stage of this process
        return
    try:
        store, _, _ = next(dist.rendezvous("env://", rank, count, timeout=TIMEOUT))
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=TIMEOUT)
    except (RuntimeError, ValueError, OSError) as error:
        raise ClcapError(f"process {rank} of {count} cannot reach the others: {first_line_of(error)}") from error
    _store = dist.PrefixStore("clcap", store)
    atexit.register(dist.destroy_process_group)


def _leave() -> None:
    """Leave the connection open, for errors that are reported after the stage, and for further stages."""
    global _current, _writes_own_files
    _current, _writes_own_files = ALONE, False


def _number(name: str) -> int:
    try:
        return int(os.environ[name])
    except ValueError:
        raise ClcapError(f"the environment variable {name} is '{os.environ[name]}', not a number") from None
