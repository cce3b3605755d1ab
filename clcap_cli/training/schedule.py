"""The learning rate of each step."""

import math

from clcap_cli.errors import ClcapError
from clcap_cli.training.settings import Optimisation


def learning_rate(settings: Optimisation, step: int, steps_per_epoch: int, peak: float | None = None) -> float:
    """The learning rate after ``step`` steps: linear warm-up times decay from ``peak``, by default that of --lr.

    Raises ClcapError like ``check_warmup``.
    """
    check_warmup(settings, steps_per_epoch)
    warmup_steps = settings.warmup_steps
    warmup_factor = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    return (settings.lr if peak is None else peak) * _decay(settings, step, steps_per_epoch) * warmup_factor


def check_warmup(settings: Optimisation, steps_per_epoch: int) -> None:
    """Raise ClcapError if the warm-up is as long as the whole training."""
    warmup_steps, total_steps = settings.warmup_steps, total_steps_of(settings, steps_per_epoch)
    if warmup_steps >= total_steps:
        raise ClcapError(
            f"--warmup-steps {warmup_steps} must be less than the {total_steps} steps of the training, "
            f"{steps_per_epoch} per epoch"
        )


def total_steps_of(settings: Optimisation, steps_per_epoch: int) -> int:
    """Number of steps of a training run that does not stop early."""
    steps = settings.epochs * steps_per_epoch
    return steps if settings.max_steps is None else min(steps, settings.max_steps)


def _decay(settings: Optimisation, step: int, steps_per_epoch: int) -> float:
    """Factor of the learning rate: 1, or a cosine from 1 after the warm-up to 0 at the end.

    Computed in epochs, so that ``cosine-by-epoch`` gives the same digits as in earlier versions.
    """
    if settings.schedule == "constant":
        return 1.0
    done = step // steps_per_epoch if settings.schedule == "cosine-by-epoch" else step / steps_per_epoch
    warmup_epochs = settings.warmup_steps / steps_per_epoch
    total_epochs = total_steps_of(settings, steps_per_epoch) / steps_per_epoch
    return (1 + math.cos(math.pi * max(0.0, done - warmup_epochs) / (total_epochs - warmup_epochs))) / 2
