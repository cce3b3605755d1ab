"""The interface between a training task and the training loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from clcap_cli.compute.collectives import from_all
from clcap_cli.compute.divided_model import is_divided
from clcap_cli.compute.processes import ALONE, Processes, processes
from clcap_cli.models.captioner import Captioner
from clcap_cli.training.validation import CaptionSample


@dataclass(frozen=True)
class ExtraState:
    """Networks, optimisers and random generators of a task besides the captioner, by name; saved with the training."""

    networks: Mapping[str, nn.Module] = field(default_factory=dict)
    optimizers: Mapping[str, torch.optim.Optimizer] = field(default_factory=dict)
    generators: Mapping[str, torch.Generator] = field(default_factory=dict)
    """Random generators whose state advances from step to step."""


class Task(Protocol):
    """An objective with its data and models, as the training loop sees it."""

    model: Captioner
    extra_state: ExtraState
    sample: CaptionSample | None
    """Images that each validation captions; None if it captions none."""

    def batches(self, epoch: int) -> Sequence[Any]:
        """The batches of an epoch; the same for every call."""

    def micro_batches(self, batch: Any, among: Processes = ALONE) -> Sequence[tuple[Any, float]]:
        """Split the batch into micro-batches that fit into memory, each with its share of the batch's loss.

        Of several processes, each gets its own; none if the batch has fewer images than there are processes.
        """

    def load(self, micro_batch: Any, epoch: int = 1) -> Any:
        """Load the data that the loss of a micro-batch needs in an epoch, from 1; called in another thread."""

    def loss(self, loaded: Any) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of a loaded micro-batch, and metrics to log."""

    def validate(self) -> dict[str, float]:
        """Metrics of the model, which is in evaluation mode, on the validation split."""


def own_micro_batches(task: Task, batches: Sequence[Any]) -> list[Sequence[tuple[Any, float]]]:
    """This process's micro-batches of each batch; of a divided model, as many as the others have."""
    own = [_own_micro_batches(task, batch) for batch in batches]
    if not is_divided(task.model):
        return own
    counts = map(max, zip(*from_all([len(parts) for parts in own]), strict=True))
    return [[*parts, *[(parts[0][0], 0.0)] * (count - len(parts))] for parts, count in zip(own, counts, strict=True)]


def _own_micro_batches(task: Task, batch: Any) -> Sequence[tuple[Any, float]]:
    """This process's micro-batches; for a batch with fewer images than processes, one whose share is 0."""
    if processes().count == 1:
        return task.micro_batches(batch)
    return task.micro_batches(batch, processes()) or [(part, 0.0) for part, _ in task.micro_batches(batch)[:1]]
