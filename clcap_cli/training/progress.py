"""Position and results of a training run, as plain data."""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from clcap_cli.training.skipped_steps import SkippedSteps

Count = Annotated[int, Ge(0)]


@dataclass(frozen=True)
class Best:
    """The best validation so far."""

    epoch: int | float
    """Number of epochs until then, possibly fractional."""
    step: Count
    metrics: dict[str, float]


@dataclass
class Progress:
    """Position and results of a training run."""

    epoch: Count
    """Number of complete epochs."""
    batch: Count
    """Number of batches of the current epoch that are done."""
    batches_per_epoch: Count
    """0 before the first epoch."""
    step: Count
    log: list[dict[str, int | float]]
    """One record per validation."""
    best: Best | None
    skipped: SkippedSteps = field(default_factory=SkippedSteps)
    first_loss: float | None = None
    """Training loss of the first step that was not skipped; None before it."""

    @property
    def fractional_epoch(self) -> int | float:
        """Number of epochs so far; the current one counts as a fraction."""
        return self.epoch + round(self.batch / self.batches_per_epoch, 4) if self.batch else self.epoch

    @property
    def place(self) -> str:
        """The position in words, such as "epoch 1.5 (step 6)"."""
        return f"epoch {self.fractional_epoch:g} (step {self.step})"

    def count_step(self) -> None:
        """Count one more batch."""
        self.step, self.batch = self.step + 1, self.batch + 1
        if self.batch == self.batches_per_epoch:
            self.epoch, self.batch = self.epoch + 1, 0
