"""``nt.retrieval.partial-00002.pt``: what one process of an unfinished self-retrieve has counted so far.

Each process writes a file of its own. Counts are sums over disjoint sets of images, so that any number of processes can
continue with the files of any other number.
"""

import glob
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor

from clcap_cli.artifacts import torch_files
from clcap_cli.artifacts.provenance import Origin, parse_provenance
from clcap_cli.continuing import continuing_command
from clcap_cli.digests import digest_of_json
from clcap_cli.errors import ClcapError, damaged_file_error
from clcap_cli.interruption import INTERRUPTION

KIND = "clcap/partial-ranks"
NOT_IDENTIFYING = ("out", "resume", "device", "threads", "full_matrix")
"""Settings that do not change the ranks."""
NONE = -1
"""Stands for an image where there is none."""


@dataclass(frozen=True)
class PartialRanks:
    """The counts of C captions over the images that are done."""

    done: Tensor
    """(N,) bool: whether each image is counted."""
    better: Tensor
    """(C,) int64: number of images with a higher ln p than the caption's own image."""
    better_or_tied: Tensor
    """(C,) int64: the same with ties."""
    image: Tensor
    """(C, K) int64: the best images so far; NONE where there are fewer."""
    log_prob: Tensor
    """(C, K) float32: their ln p; -inf where there are fewer."""
    work: Tensor
    """(3,) int64: the work, as in ``Work``."""

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name, on the CPU and finite."""
        tensors = {field.name: getattr(self, field.name).cpu() for field in fields(self)}
        return {**tensors, "log_prob": tensors["log_prob"].masked_fill(tensors["image"] == NONE, 0.0)}


class PartialFiles:
    """The files of the unfinished runs with the same output."""

    def __init__(self, out: Path, origin: Origin):
        self.out, self.origin = out, origin
        record = origin.make_provenance(KIND, "", out)
        settings = {name: value for name, value in record.settings.items() if name not in NOT_IDENTIFYING}
        self.id = digest_of_json([[[one.role, one.id] for one in record.inputs], settings])

    @property
    def paths(self) -> list[Path]:
        """The files that are there."""
        pattern = f"{glob.escape(self.out.stem)}.partial-[0-9]*.pt"
        return sorted(self.out.parent.glob(pattern))

    def check_resumed(self, resume: bool) -> None:
        """Raise ClcapError if there are files but ``resume`` is not given."""
        if self.paths and not resume:
            raise ClcapError(
                f"{self.paths[0]} has ranks of an interrupted run; continue it with --resume, or delete the file to "
                "start from the beginning"
            )

    def write(self, process: int, partial: PartialRanks) -> None:
        """Write the file of a process, counted from 0."""
        path = self.path_of(process)
        provenance = self.origin.make_provenance(KIND, self.id, path).model_dump()
        torch_files.save({"provenance": provenance, "tensors": partial.tensors()}, path)
        INTERRUPTION.kept = f"; the ranks in {path} are kept; continue with: {continuing_command(self.origin.stage)}"

    def read(self, like: PartialRanks) -> list[PartialRanks]:
        """What the files have, without what another one of them has too; tensors have the shapes of ``like``.

        Raises ClcapError if a file is damaged or belongs to a run with other inputs or settings.
        """
        found: list[PartialRanks] = []
        for partial in (self._read(path, like) for path in self.paths):
            if not any((partial.done & other.done).any() for other in found):
                found.append(partial)
        return found

    def remove(self, process: int | None = None) -> None:
        """Remove all files, but not that of ``process``."""
        INTERRUPTION.kept = "" if process is None else INTERRUPTION.kept
        for path in self.paths:
            if process is None or path != self.path_of(process):
                with suppress(OSError):
                    path.unlink()

    def path_of(self, process: int) -> Path:
        """The file of a process, counted from 0."""
        return self.out.with_name(f"{self.out.stem}.partial-{process + 1:05}.pt")

    def _read(self, path: Path, like: PartialRanks) -> PartialRanks:
        content = torch_files.load(path)
        if parse_provenance(content["provenance"], path, KIND).id != self.id:
            raise ClcapError(
                f"{path} belongs to a run with other inputs or settings; repeat its command, or delete the file"
            )
        return _made(path, torch_files.check_tensors(path, "tensor", content.get("tensors"), like.tensors()))


def _made(path: Path, tensors: dict[str, Tensor]) -> PartialRanks:
    images = tensors["image"]
    if ((images < NONE) | (images >= len(tensors["done"]))).any():
        raise damaged_file_error(path, f"it names images outside the pool of {len(tensors['done'])}")
    log_prob = tensors["log_prob"].masked_fill(images == NONE, -torch.inf)
    return PartialRanks(**{**tensors, "log_prob": log_prob})
