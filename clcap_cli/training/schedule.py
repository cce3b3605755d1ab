"""The learning rate of every step."""

import math

from clcap_cli.errors import ClcapError
from clcap_cli.training.settings import Optimisation


def learning_rate(settings: Optimisation, step: int, steps_per_epoch: int) -> float:
    """The learning rate of the step that follows ``step`` others: a linear warm-up times a decay.

    Raises ClcapError as ``check_warm_up`` does.
    """
    check_warm_up(settings, steps_per_epoch)
    before = settings.warmup_steps
    warm_up = min(1.0, (step + 1) / before) if before else 1.0
    return settings.lr * _decay(settings, step, steps_per_epoch) * warm_up


def check_warm_up(settings: Optimisation, steps_per_epoch: int) -> None:
    """Raise ClcapError when the warm-up would take the whole training."""
    before, end = settings.warmup_steps, steps_at_most(settings, steps_per_epoch)
    if before >= end:
        raise ClcapError(
            f"--warmup-steps {before}: the training has {end} steps at most, {steps_per_epoch} an epoch; give fewer"
        )


def steps_at_most(settings: Optimisation, steps_per_epoch: int) -> int:
    """Steps of a training that nothing stops early."""
    steps = settings.epochs * steps_per_epoch
    return steps if settings.max_steps is None else min(steps, settings.max_steps)


def _decay(settings: Optimisation, step: int, steps_per_epoch: int) -> float:
    """A share of the learning rate: constant, or along a cosine from 1, after the warm-up, to 0 at the end.

    Counted in epochs, so that ``cosine-by-epoch`` gives the digits that it gave before there were steps.
    """
    if settings.schedule == "constant":
        return 1.0
    done = step // steps_per_epoch if settings.schedule == "cosine-by-epoch" else step / steps_per_epoch
    before, end = settings.warmup_steps / steps_per_epoch, steps_at_most(settings, steps_per_epoch) / steps_per_epoch
    return (1 + math.cos(math.pi * max(0.0, done - before) / (end - before))) / 2
