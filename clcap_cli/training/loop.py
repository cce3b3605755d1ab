"""The training loop for all objectives."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.console import print_info, print_warning, progress
from clcap_cli.errors import ClcapError, NonFiniteError
from clcap_cli.training.meter import Meter
from clcap_cli.training.optimizer import clip_gradients, set_learning_rate
from clcap_cli.training.progress import Progress
from clcap_cli.training.report import TrainingReport
from clcap_cli.training.schedule import check_warmup, learning_rate
from clcap_cli.training.settings import Optimisation
from clcap_cli.training.skipped_steps import check_finite_metrics, check_finite_step, diverged_advice
from clcap_cli.training.state import TrainState
from clcap_cli.training.task import Task


def log_path(checkpoint: Path) -> Path:
    """Path of the training log of a checkpoint: ``nt.log.jsonl`` for ``nt.pt``."""
    return checkpoint.with_name(f"{checkpoint.stem}.log.jsonl")


def train(task: Task, settings: Optimisation, log: Path) -> dict[str, Any]:
    """Train ``task.model``, give it its best weights, and return the record of the training run.

    The initial model is validated as step 0 but never selected; if it was better than every later step, a warning says
    so. ``log`` gets one line of JSON per validation.

    A step whose loss or gradient is not finite is skipped and counted.

    Raises ClcapError if training diverges, and OSError if ``log`` cannot be written.
    """
    state = TrainState(task, settings)
    advance(state, log)
    return finish(state)


def advance(state: TrainState, log: Path, until: int | None = None) -> None:
    """Train until the end or until step ``until``; raises like ``train``."""
    report = TrainingReport(log, state)
    if state.settings.warmup_steps:
        # Checked before the first validation, which can take minutes.
        check_warmup(state.settings, len(state.task.batches(1)))
    if not state.progress.log:
        report.add(_run_validation(state), best=False)
        report.start_clock()
        state.meter = Meter()
    while not (state.is_finished or state.progress.step == until):
        _train_epoch(state, report, until)


def finish(state: TrainState) -> dict[str, Any]:
    """Give the model its best weights, and return the record of the training run."""
    position, best, criterion = state.progress, state.progress.best, state.criterion
    skipped = position.skipped.total
    if skipped == position.step:
        raise ClcapError(
            f"all {skipped} steps were skipped because their loss or gradient was not finite, so nothing was trained; "
            f"{diverged_advice(state.settings.precision)}"
        )
    assert best is not None, "every run validates its last step"
    state.task.model.load_state_dict(state.best_weights)
    state.task.model.eval()
    print_info(f"best checkpoint: epoch {best.epoch:g} (step {best.step}), {criterion.described(best.metrics)}")
    if criterion.prefers(position.log[0], best.metrics):
        print_warning(
            f"the initial model (step 0) was better, {criterion.described(position.log[0])}; try a smaller --lr"
        )
    if skipped:
        print_warning(f"{skipped} of {position.step} steps were skipped because their loss or gradient was not finite")
    return {
        "settings": asdict(state.settings),
        "epochs": position.fractional_epoch,
        "steps": position.step,
        **({"skipped_steps": skipped} if skipped else {}),
        "best_epoch": best.epoch,
        "best_step": best.step,
        "criterion": criterion.metric,
        "metrics": best.metrics,
    }


def _train_epoch(state: TrainState, report: TrainingReport, until: int | None) -> None:
    """Train to the end of the current epoch, or until training stops."""
    task, position = state.task, state.progress
    batches = task.batches(position.epoch + 1)
    position.batches_per_epoch = len(batches)
    remaining = [task.micro_batches(batch) for batch in batches[position.batch :]]
    reading = Prefetcher(task.load, (micro_batch for micro_batches in remaining for micro_batch, _ in micro_batches))
    # Closed explicitly: an interrupt during garbage collection would be lost.
    with closing(iter(reading)) as loaded:
        for micro_batches in progress(remaining, len(remaining), f"epoch {position.epoch + 1}"):
            waited = reading.wait_seconds
            _step(state, micro_batches, loaded)
            state.meter.waited += reading.wait_seconds - waited
            if state.validation_is_due:
                _validate(state, report)
            if state.is_finished or position.step == until:
                break


def _step(state: TrainState, micro_batches: Sequence[tuple[Any, float]], loaded: Iterator[Any]) -> None:
    """Take one optimiser step on a batch that is split into ``micro_batches``, or skip it if it is not finite."""
    model, position, settings = state.task.model, state.progress, state.settings
    model.train()
    state.optimizer.zero_grad(set_to_none=True)
    set_learning_rate(state.optimizer, learning_rate(settings, position.step, position.batches_per_epoch))
    own = islice(loaded, len(micro_batches))
    place = f"epoch {position.epoch + 1}, step {position.step + 1}"
    with position.skipped.skipping(place, diverged_advice(settings.precision)):
        parts = [_add_gradients(state, part, share) for part, (_, share) in zip(own, micro_batches, strict=True)]
        check_finite_step([metrics["loss"] for metrics, _ in parts], clip_gradients(model, settings))
        state.optimizer.step()
        state.meter.add_step(parts)
    deque(own, maxlen=0)  # the data of micro-batches that were left out
    position.count_step()


def _add_gradients(state: TrainState, loaded: Any, share: float) -> tuple[dict[str, Tensor], float]:
    """Add the gradients of one micro-batch; returns its metrics and its share of the batch."""
    with torch.autocast(state.device.type, torch.bfloat16, enabled=state.settings.precision == "bf16"):
        loss, metrics = state.task.loss(loaded)
    (loss * share).backward()
    return {"loss": loss.detach(), **metrics}, share


def _validate(state: TrainState, report: TrainingReport) -> None:
    """Validate the model, keep its weights if they are the best so far, and reset the meter."""
    metrics = {**state.meter.means(), **_skipped_steps(state.progress), **_run_validation(state)}
    report.add(metrics, best=state.keep_if_best(metrics))
    state.meter = Meter()
    if state.validations_since_best >= state.settings.patience:
        print_info(f"stopping: no {state.criterion.wanted} in {state.settings.patience} validations")


def _skipped_steps(progress: Progress) -> dict[str, int]:
    """Number of steps that were skipped since the last validation, if there are any."""
    skipped = progress.skipped.total - sum(int(record.get("skipped_steps", 0)) for record in progress.log)
    return {"skipped_steps": skipped} if skipped else {}


def _run_validation(state: TrainState) -> dict[str, float]:
    """Metrics of the model as it is; raises ClcapError if one of them is not finite."""
    state.task.model.eval()
    try:
        with torch.inference_mode():
            return check_finite_metrics(state.task.validate())
    except NonFiniteError as error:
        place, step = f"epoch {state.progress.fractional_epoch:g}", state.progress.step
        advice = diverged_advice(state.settings.precision)
        raise ClcapError(f"{place}, step {step}: {error}; {advice}" if step else f"initial model: {error}") from error
