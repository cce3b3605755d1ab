"""What a saved state says about its run, read without PyTorch and without its tensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Le

from clcap_cli.artifacts.archive import own_content
from clcap_cli.artifacts.checks import validated_part
from clcap_cli.artifacts.plain_pickle import plain_values
from clcap_cli.artifacts.provenance import Provenance, parse_provenance
from clcap_cli.artifacts.state_shards import StateShards, recorded_shards
from clcap_cli.compute.settings import DeviceName
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.training.progress import Progress

KIND = "clcap/train-state"
Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Computation:
    """What a run computes with, on which its last digits depend."""

    device: Annotated[str, DeviceName()]
    threads: Annotated[int, Ge(1), Le(4096)]
    """Number of CPU threads."""
    precision: Precision
    """Precision of matrix products."""


@dataclass(frozen=True)
class SavedState:
    """The description in a ``*.state.pt``."""

    path: Path
    provenance: Provenance
    progress: Progress
    computation: Computation
    continue_with: str
    """Command that continues the run."""
    shards: StateShards | None
    """Its shards; None if it is one file."""

    @property
    def place(self) -> str:
        """Where the run is, such as "epoch 1.5 (step 6)"."""
        return self.progress.place


def open_saved_state(path: Path) -> SavedState:
    """Read the description of a saved state.

    Raises ClcapError if the file or one of its shards is missing, or if the file is damaged, of another kind, or newer
    than this clcap.
    """
    expected = description_of(KIND)
    content = own_content(path, plain_values(path, expected), expected)
    provenance = parse_provenance(content["provenance"], path, KIND)
    return SavedState(
        path,
        provenance,
        validated_part("progress", content.get("progress"), Progress, path, KIND),
        validated_part("computation", content.get("computation"), Computation, path, KIND),
        validated_part("continue_with", content.get("continue_with"), str, path, KIND),
        recorded_shards(content, path, KIND),
    )
