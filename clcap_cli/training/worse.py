"""Whether the training loss of a run rose instead of falling."""

from pathlib import Path

from clcap_cli.errors import ClcapError
from clcap_cli.training.progress import Progress

TOLERANCE = 0.1
"""Relative increase of the training loss that counts as a worse run."""
SMALLEST = 0.01
"""Increase below which no run counts as worse, for losses near 0."""
JUMP = 0.2
"""Relative increase from the first step to the mean until the first validation that is more than noise."""


def check_not_worse(progress: Progress, out: Path) -> None:
    """Raise ClcapError, after ``out`` is written, if the training loss ended more than 10% above its start.

    The end is the mean since the last but one validation, the start the mean until the first one. If that mean is
    already more than 20% above the loss of the first step, which precedes any change of the weights, that loss is the
    start.
    """
    losses = [record["loss"] for record in progress.log if "loss" in record]
    if not losses or progress.first_loss is None:
        return
    jumped = _is_above(losses[0], progress.first_loss, JUMP)
    start = progress.first_loss if jumped else losses[0]
    if _is_above(losses[-1], start, TOLERANCE):
        place = "in the first step" if jumped else "until the first validation"
        raise ClcapError(
            f"{out} is written, but the training loss rose from {start:.4f} {place} to {losses[-1]:.4f} at the end, by "
            f"more than {TOLERANCE:.0%}: the run got worse; try a smaller --lr"
        )


def _is_above(loss: float, start: float, tolerance: float) -> bool:
    return loss - start > max(tolerance * abs(start), SMALLEST)
