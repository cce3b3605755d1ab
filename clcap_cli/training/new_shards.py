"""Replacing the shards of a saved state together with the state."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from clcap_cli.artifacts.state_shards import StateShards, folder_of, numbers_of, remove_shards
from clcap_cli.compute.collectives import of_first
from clcap_cli.compute.processes import is_first


@contextmanager
def new_shards(tensors: Mapping[str, Tensor], state: Path) -> Iterator[StateShards | None]:
    """Write divided tensors to new files beside ``state``, and yield what it records of them; None without tensors.

    All processes enter it. The first one writes the state in the block; then it removes all other shards or, if it
    fails, the new ones. Raises ClcapError in all processes if one of them cannot write its part.
    """
    number = of_first(max(numbers_of(state), default=0) + 1) if tensors else 0
    try:
        yield StateShards(number, _written(tensors, folder_of(state, number), state)) if tensors else None
    except BaseException:
        if is_first():
            remove_shards(state, kept=[one for one in numbers_of(state) if one != number])
        raise
    if is_first():
        remove_shards(state, kept=[number])


def _written(tensors: Mapping[str, Tensor], folder: Path, state: Path) -> dict[str, str]:
    from clcap_cli.training.divided_tensors import write_shards  # here because its import is slow

    return write_shards(tensors, folder, state)
