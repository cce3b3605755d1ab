"""The inputs of the tasks that train-cl runs."""

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
    """Models, data and settings of a task."""

    negatives: NegativeSampler
    """Sampler of negatives from the training split."""
    val: CaptionSplit
    target: ModelWithFeatures
    k: int
    batch: BatchSettings
    seed: int
    redraw: bool = True
    """Whether negatives are drawn every epoch instead of once."""
    negative_pool_size: int | None = None
    """Number of mismatched captions in each image's pool; None to draw from all captions."""
    reference: ModelWithFeatures | None = None
    """The frozen reference; None if the objective needs none."""
    cache: ArrayCache | None = None
    """Cache of the reference's ln p of recurring pairs; None to compute them every time."""
    precision: Precision = "fp32"
    """Precision of matrix products in training."""
    discriminator: Discriminator | None = None
    """The discriminator; None if the objective has none."""
    discriminator_is_trained: bool = False
    """Whether the discriminator was trained before."""


class ObjectiveTask(Task, Protocol):
    """A task that trains an objective."""

    def prepare(self) -> None:
        """Do what is needed before the first step, also of a resumed run."""

    def warm_up(self) -> None:
        """Do what comes before the first step of a run that is not resumed."""

    @property
    def before_steps(self) -> str:
        """What ``prepare`` and ``warm_up`` compute, in words; empty if they take no time."""
