"""Whether the training loss of a run rose instead of falling."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.checks import validated_part
from clcap_cli.errors import WrittenError
from clcap_cli.training.progress import Progress

TOLERANCE = 0.1
"""Relative increase of the training loss that counts as a worse run."""
SMALLEST = 0.01
"""Increase below which no run counts as worse, for losses near 0."""
JUMP = 0.2
"""Relative increase from the first step to the mean until the first validation that is more than noise."""


@dataclass(frozen=True)
class LossRise:
    """A training loss that ended more than 10% above its start."""

    start: float
    end: float
    is_sudden: bool
    """Whether the start is the loss of the first step, and not the mean until the first validation."""

    def __str__(self) -> str:
        place = "in the first step" if self.is_sudden else "until the first validation"
        return (
            f"the training loss rose from {self.start:.4f} {place} to {self.end:.4f} at the end, by more than "
            f"{TOLERANCE:.0%}: the run got worse"
        )


def loss_rise(progress: Progress) -> LossRise | None:
    """The rise of the training loss of a run that got worse; None for any other run.

    The end is the mean since the last but one validation, the start the mean until the first one. If that mean is
    already more than 20% above the loss of the first step, which precedes any change of the weights, that loss is the
    start.
    """
    losses = [record["loss"] for record in progress.log if "loss" in record]
    if not losses or progress.first_loss is None:
        return None
    jumped = _is_above(losses[0], progress.first_loss, JUMP)
    start = progress.first_loss if jumped else losses[0]
    return LossRise(start, losses[-1], jumped) if _is_above(losses[-1], start, TOLERANCE) else None


def check_not_worse(training: Mapping[str, Any], out: Path) -> None:
    """Raise WrittenError if ``training``, the record in the checkpoint ``out``, is that of a run that got worse."""
    if rise := recorded_rise(training, out):
        raise WrittenError(out, f"{rise}; try a smaller --lr")


def recorded_rise(training: Mapping[str, Any], path: Path) -> LossRise | None:
    """The rise in the record of a training, read from ``path``; raises ClcapError if it is invalid."""
    found = training.get("loss_rise")
    return validated_part("loss_rise", found, LossRise | None, path, "clcap/checkpoint")  # type: ignore[arg-type]


def _is_above(loss: float, start: float, tolerance: float) -> bool:
    return loss - start > max(tolerance * abs(start), SMALLEST)
