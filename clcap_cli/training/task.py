"""What is learned: an objective with its data and models, as the training loop sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from clcap_cli.models.captioner import Captioner


@dataclass(frozen=True)
class ExtraState:
    """What changes beside the captioner while a task is learned, by name: a saved training has it too."""

    networks: Mapping[str, nn.Module] = field(default_factory=dict)
    optimizers: Mapping[str, torch.optim.Optimizer] = field(default_factory=dict)
    generators: Mapping[str, torch.Generator] = field(default_factory=dict)
    """Random numbers that are drawn on from step to step."""


class Task(Protocol):
    """An objective with its data and models."""

    model: Captioner
    extra_state: ExtraState

    def batches(self, epoch: int) -> Sequence[Any]:
        """The epoch's batches, the same ones whenever they are asked for."""

    def parts(self, batch: Any) -> Sequence[tuple[Any, float]]:
        """The batch in pieces small enough to be computed at once, each with its share of the batch's loss."""

    def load(self, part: Any) -> Any:
        """What the loss of a batch or of a part needs, in memory; called in another thread."""

    def loss(self, loaded: Any) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of what was loaded, and metrics to log."""

    def validate(self) -> dict[str, float]:
        """Results of the model, in evaluation mode, on the validation split."""
