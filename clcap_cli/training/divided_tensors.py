"""Writing and reading tensors that are divided over processes, by PyTorch's distributed checkpoint.

Each process writes and reads its own part. The files are safetensors, whose headers say which rows of each tensor they
have, so that any number of processes can read them. This module is slow to import.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from torch import Tensor

from clcap_cli.artifacts.atomic import sync
from clcap_cli.artifacts.output_path import write_errors
from clcap_cli.artifacts.state_shards import StateShards
from clcap_cli.compute.collectives import from_all, in_any
from clcap_cli.compute.divided_model import is_part, own_part
from clcap_cli.compute.processes import processes
from clcap_cli.digests import digest_of_file
from clcap_cli.errors import damaged_file_error

FILE_BYTES = 2**28
"""Bytes of tensors in a file: PyTorch has up to three copies of a file in main memory while it writes it."""


def write_shards(tensors: Mapping[str, Tensor], folder: Path, state: Path) -> dict[str, str]:
    """Write the own part of each tensor; returns the digests of all files of all processes, by their names.

    All processes call this together. Raises ClcapError about ``state`` in all of them if one cannot write.
    """
    writer = _Writer(folder, _file_of(tensors))
    with write_errors(state), _errors_of_all():
        dcp.save(_without_shared_memory(tensors), storage_writer=writer)
    return {name: digest for own in from_all(writer.digests) for name, digest in own.items()}


class _Writer(dcp.HuggingFaceStorageWriter):
    """Writes one or more files in each process, and computes their digests."""

    def __init__(self, folder: Path, file_of: dict[str, int]):
        super().__init__(str(folder), file_of, save_distributed=True)
        self.folder, self.digests = folder, dict[str, str]()

    def write_data(self, plan: dcp.SavePlan, planner: dcp.SavePlanner) -> Any:
        """See HuggingFaceStorageWriter; an error in here is raised in all processes."""
        written = super().write_data(plan, planner)
        own = self.folder.glob(f"shard-{processes().rank + 1:05}-*")
        self.digests = {path.name: digest_of_file(path) for path in own}
        with suppress(OSError):  # some file systems cannot sync folders
            sync(self.folder)
        return written


def _file_of(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """The number of the file of each tensor, counted from 1 in each process."""
    ends = accumulate(tensor.nbytes for tensor in tensors.values())
    return {name: 1 + end // (FILE_BYTES * processes().count) for name, end in zip(tensors, ends, strict=True)}


def _without_shared_memory(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, with copies of those that are another one too, such as tied weights, which safetensors refuses."""
    places: dict[int, str] = {}
    return {
        name: tensor if places.setdefault(own_part(tensor).data_ptr(), name) == name else tensor.clone()
        for name, tensor in tensors.items()
    }


class ShardReader:
    """Reads the shards of a state."""

    def __init__(self, shards: StateShards, state: Path):
        """Check the files; all processes call this together.

        Raises ClcapError if a file is not what was saved, or if a part of a tensor is missing.
        """
        self.shards, self.state, self.folder = shards, state, shards.folder(state)
        self._check_digests()
        self.tensors: dict[str, Tensor] = self._without_values()
        """Tensors without values, on the device "meta", by name."""

    def read(self, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors of ``like``, divided as they are, or whole and on the CPU; all processes call this together.

        Raises ClcapError if they are not finite.
        """
        tensors = {name: torch.empty_like(one, device=None if is_part(one) else "cpu") for name, one in like.items()}
        is_alone = not any(map(is_part, tensors.values()))
        with warnings.catch_warnings(action="ignore"), _errors_of_all():  # about reading alone
            dcp.load(tensors, storage_reader=self._storage(), no_dist=is_alone)
        if in_any(not all(torch.isfinite(own_part(one)).all() for one in tensors.values())):
            raise damaged_file_error(self.state, "its tensors are not finite numbers")
        return tensors

    def _storage(self) -> dcp.HuggingFaceStorageReader:
        return dcp.HuggingFaceStorageReader(str(self.folder))

    def _check_digests(self) -> None:
        """Raise ClcapError if a file is not what was saved; each process reads some of them."""
        own = processes().share(self.shards.paths(self.state))
        changed = [path.name for path in own if digest_of_file(path) != self.shards.files[path.name]]
        if every := [name for names in from_all(changed) for name in names]:
            raise damaged_file_error(self.state, f"its shard {self.folder.name}/{every[0]} is not what was saved")

    def _without_values(self) -> dict[str, Tensor]:
        try:
            found: dict[str, Any] = dict(self._storage().read_metadata().state_dict_metadata)
            complete = {name for name, one in found.items() if _is_complete(one)}
            every = {n: torch.empty(one.size, dtype=one.properties.dtype, device="meta") for n, one in found.items()}
        except Exception as error:  # files that PyTorch did not write can make it raise nearly any error
            raise damaged_file_error(self.state, f"its shards in {self.folder.name} cannot be read") from error
        if missing := [name for name in found if name not in complete]:
            raise damaged_file_error(self.state, f"its shards lack a part of the tensor '{missing[0]}'")
        return every


def _is_complete(tensor: dcp.TensorStorageMetadata) -> bool:
    """Whether the parts of a tensor, which are rows of it, follow on one another."""
    parts = sorted((part.offsets[0], part.sizes[0]) for part in tensor.chunks if part.sizes[0])
    starts, ends = [start for start, _ in parts], list(accumulate(rows for _, rows in parts))
    return starts == [0, *ends][: len(starts)] and all(part.sizes[1:] == tensor.size[1:] for part in tensor.chunks)


@contextmanager
def _errors_of_all() -> Iterator[None]:
    """Raise the error that a process met in the block in all of them."""
    try:
        yield
    except dcp.CheckpointException as error:
        first, _ = next(iter(error.failures.values()))
        raise first from error
