"""The training loop for all objectives."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from clcap_cli.compute.collectives import of_first, sum_gradients, summed
from clcap_cli.compute.divided_model import is_divided, whole
from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.compute.random_streams import seed_step
from clcap_cli.console import print_info, print_warning, progress
from clcap_cli.errors import NonFiniteError
from clcap_cli.tracking.tracking import untracked
from clcap_cli.training.meter import Meter, weighted_sums
from clcap_cli.training.optimizer import clip_gradients, set_learning_rates
from clcap_cli.training.progress import Progress
from clcap_cli.training.report import TrainingReport
from clcap_cli.training.schedule import check_warmup, learning_rate
from clcap_cli.training.skipped_steps import DivergedError, check_finite_metrics, check_finite_step, diverged_advice
from clcap_cli.training.state import TrainState
from clcap_cli.training.task import own_micro_batches


class Observer:
    """Follows a training and may end it with an exception. This one does nothing; ``RunSaver`` saves the training."""

    def after_step(self) -> None:
        """Called after each step, before the validation that may be due."""

    def validation(self) -> AbstractContextManager[None]:
        """The context of each validation, which may be ended because it does not change the state."""
        return nullcontext()

    def after_validation(self, is_best: bool) -> None:
        """Called after each validation but that of the initial model; ``is_best`` marks the best one so far."""


def train(state: TrainState, observer: Observer, track: Callable[[], None] = untracked) -> dict[str, Any]:
    """Train to the end, give the model its best weights, and return the record of the training run.

    The initial model is validated as step 0 but never selected; if it was better than every later step, a warning says
    so.

    A step whose loss or gradient is not finite is skipped and counted. Raises DivergedError if training diverges.
    ``track`` is called when a validation is in the log.
    """
    report = TrainingReport(state, track)
    if state.settings.warmup_steps:
        # Checked before the first validation, which can take minutes.
        check_warmup(state.settings, len(state.task.batches(1)))
    if not state.progress.log:
        with observer.validation():
            metrics = _run_validation(state)
        report.add(metrics, best=False)
        report.start_clock()
        state.meter = Meter()
    if state.validation_is_missing:
        _validate(state, report, observer)
    while not state.is_finished:
        _train_epoch(state, report, observer)
    return _finish(state)


def _finish(state: TrainState) -> dict[str, Any]:
    """Give the model its best weights, and return the record of the training run."""
    first, best, criterion = state.progress.log[0], state.progress.best, state.criterion
    skipped, steps = state.progress.skipped.total, state.progress.step
    if skipped == steps:
        raise DivergedError(
            f"all {skipped} steps were skipped because their loss or gradient was not finite, so nothing was trained; "
            f"{diverged_advice(state.settings.precision)}"
        )
    assert best is not None, "every run validates its last step"
    state.task.model.load_state_dict(state.best_weights, strict=False)
    state.task.model.eval()
    print_info(f"best checkpoint: epoch {best.epoch:g} (step {best.step}), {criterion.described(best.metrics)}")
    if criterion.prefers(first, best.metrics):
        print_warning(f"the initial model (step 0) was better, {criterion.described(first)}; try a smaller --lr")
    if skipped:
        print_warning(f"{skipped} of {steps} steps were skipped because their loss or gradient was not finite")
    return state.record()


def _train_epoch(state: TrainState, report: TrainingReport, observer: Observer) -> None:
    """Train to the end of the current epoch, or until training stops."""
    task, position = state.task, state.progress
    batches = task.batches(position.epoch + 1)
    position.batches_per_epoch = len(batches)
    remaining = own_micro_batches(task, batches[position.batch :])
    load = partial(task.load, epoch=position.epoch + 1)
    reading = Prefetcher(load, (micro_batch for micro_batches in remaining for micro_batch, _ in micro_batches))
    # Closed explicitly: an interrupt during garbage collection would be lost.
    with closing(iter(reading)) as loaded:
        for micro_batches in progress(remaining, len(remaining), f"epoch {position.epoch + 1}"):
            waited = reading.wait_seconds
            _step(state, micro_batches, loaded)
            state.meter.waited += reading.wait_seconds - waited
            observer.after_step()
            if state.validation_is_due:
                _validate(state, report, observer)
            if state.is_finished:
                break


def _step(state: TrainState, micro_batches: Sequence[tuple[Any, float]], loaded: Iterator[Any]) -> None:
    """Take one optimiser step on a batch that is split into ``micro_batches``, or skip it if it is not finite.

    With several processes, these are the process's own; gradients and metrics are summed over the processes.
    """
    model, position, settings = state.task.model, state.progress, state.settings
    model.train()
    seed_step(state.seed, position.step)
    state.optimizer.zero_grad(set_to_none=True)
    at = settings, position.step, position.batches_per_epoch
    set_learning_rates(state.optimizer, lambda peak: learning_rate(*at, peak))
    own = islice(loaded, len(micro_batches))
    place = f"epoch {position.epoch + 1}, step {position.step + 1}"
    with position.skipped.skipping(place, diverged_advice(settings.precision)):
        parts = [add_gradients(state, part, share) for part, (_, share) in zip(own, micro_batches, strict=True)]
        if not is_divided(model):  # FSDP has summed those of a divided one
            sum_gradients(model.parameters())
        metrics = summed(weighted_sums(parts))
        check_finite_step([metrics["loss"]], clip_gradients(model, settings))
        state.optimizer.step()
        state.meter.add_step(metrics)
        if position.first_loss is None:
            position.first_loss = float(metrics["loss"])
    deque(own, maxlen=0)  # the data of micro-batches that were left out
    position.count_step()


def add_gradients(state: TrainState, loaded: Any, share: float) -> tuple[dict[str, Tensor], float]:
    """Add the gradients of one micro-batch; returns its metrics and its share of the batch."""
    with torch.autocast(state.device.type, torch.bfloat16, enabled=state.settings.precision == "bf16"):
        loss, metrics = state.task.loss(loaded)
    (loss * share).backward()
    return {"loss": loss.detach(), **metrics}, share


def _validate(state: TrainState, report: TrainingReport, observer: Observer) -> None:
    """Validate the model, keep its weights if they are the best so far, and reset the meter."""
    with observer.validation():
        metrics = {**state.meter.means(), **_skipped_steps(state.progress), **_run_validation(state)}
    is_best = state.keep_if_best(metrics)
    report.add(metrics, best=is_best)
    state.meter = Meter()
    observer.after_validation(is_best)
    if state.validations_since_best >= state.settings.patience:
        print_info(f"stopping: no {state.criterion.wanted} in {state.settings.patience} validations")


def _skipped_steps(progress: Progress) -> dict[str, int]:
    """Number of steps that were skipped since the last validation, if there are any."""
    skipped = progress.skipped.total - sum(int(record.get("skipped_steps", 0)) for record in progress.log)
    return {"skipped_steps": skipped} if skipped else {}


def _run_validation(state: TrainState) -> dict[str, float]:
    """Metrics of the model as it is; raises DivergedError if one of them is not finite."""
    state.task.model.eval()
    try:
        with whole(state.task.model), torch.inference_mode():
            return check_finite_metrics(of_first(state.task.validate()))
    except NonFiniteError as error:
        place, step = f"epoch {state.progress.fractional_epoch:g}", state.progress.step
        advice = diverged_advice(state.settings.precision)
        raise DivergedError(
            f"{place}, step {step}: {error}; {advice}" if step else f"initial model: {error}"
        ) from error
