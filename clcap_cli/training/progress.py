"""How far a training is, and what it found so far: plain data."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

Count = Annotated[int, Ge(0)]


@dataclass(frozen=True)
class Best:
    """The best validation so far."""

    epoch: int | float
    """Epochs done then, in part or in whole."""
    step: Count
    metrics: dict[str, float]


@dataclass
class Progress:
    """How far a training is, and what it found."""

    epoch: Count
    """Epochs done in whole."""
    batch: Count
    """Batches done of the epoch that follows them."""
    batches: Count
    """Batches of an epoch; 0 before the first epoch."""
    step: Count
    log: list[dict[str, int | float]]
    """One record for each validation."""
    best: Best | None

    @property
    def epochs(self) -> int | float:
        """Epochs done, a begun one as a share."""
        return self.epoch + round(self.batch / self.batches, 4) if self.batch else self.epoch

    def count_step(self) -> None:
        """Note that a batch was learned."""
        self.step, self.batch = self.step + 1, self.batch + 1
        if self.batch == self.batches:
            self.epoch, self.batch = self.epoch + 1, 0
