"""What the tasks that train-cl runs start from."""

from dataclasses import dataclass
from typing import Protocol

from clcap_cli.artifacts.cache import ArrayCache
from clcap_cli.compute.precision import Precision
from clcap_cli.models.discriminator import Discriminator
from clcap_cli.training.data import CaptionSplit
from clcap_cli.training.negatives import NegativeSampler
from clcap_cli.training.reference import ModelWithFeatures
from clcap_cli.training.settings import BatchSettings
from clcap_cli.training.task import Task


@dataclass(frozen=True)
class TaskInputs:
    """Models, data and settings that are the same for every objective, and those that some objectives need."""

    negatives: NegativeSampler
    """Of the split that is trained on."""
    val: CaptionSplit
    target: ModelWithFeatures
    k: int
    batch: BatchSettings
    seed: int
    redraw: bool = True
    """Whether negatives are drawn anew every epoch instead of once."""
    reference: ModelWithFeatures | None = None
    """None for an objective that needs none."""
    cache: ArrayCache | None = None
    """The reference's ln p of pairs that recur; None to compute them every time."""
    precision: Precision = "fp32"
    """That of the training's matrix products."""
    discriminator: Discriminator | None = None
    """None for an objective that has none."""
    discriminator_is_trained: bool = False
    """Whether the discriminator has been trained before."""


class ObjectiveTask(Task, Protocol):
    """A task that trains an objective."""

    def prepare(self) -> None:
        """Do what comes before the first epoch."""
