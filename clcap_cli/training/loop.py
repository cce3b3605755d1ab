"""The one training loop, for every objective."""

import copy
import json
import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from clcap_cli.console import progress, say
from clcap_cli.errors import ClcapError
from clcap_cli.models.captioner import Captioner
from clcap_cli.read_ahead import ReadAhead
from clcap_cli.training.settings import Optimisation

ADAM_BETAS = (0.8, 0.999)
"""As the authors' code has them."""


class Task(Protocol):
    """What is learned: an objective with its data and models."""

    model: Captioner
    criterion: str
    """The validation figure by which the best epoch is kept: the smallest."""

    def batches(self, epoch: int) -> Sequence[Any]:
        """The epoch's batches."""

    def parts(self, batch: Any) -> Sequence[tuple[Any, float]]:
        """The batch in pieces small enough to be computed at once, each with its share of the batch's loss."""

    def load(self, part: Any) -> Any:
        """What the loss of a batch or of a part needs, in memory; called in another thread."""

    def loss(self, loaded: Any) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of what was loaded, and figures to log."""

    def validate(self) -> dict[str, float]:
        """Figures of the model, in evaluation mode, on the validation split."""


def log_beside(checkpoint: Path) -> Path:
    """Where the log of a checkpoint's training is: ``nt.log.jsonl`` for ``nt.pt``."""
    return checkpoint.with_name(f"{checkpoint.stem}.log.jsonl")


def train(task: Task, settings: Optimisation, log: Path) -> dict[str, Any]:
    """Optimise ``task.model``, leave it with the weights of its best epoch, and return the record of the training.

    Epoch 0, the model as it came, is measured but never kept: what harms a model shall show. The file ``log`` gets one
    line of JSON an epoch.

    Raises ClcapError when the loss is no longer a number, and OSError when ``log`` cannot be written.
    """
    log.write_bytes(b"")
    optimizer = torch.optim.Adam(task.model.parameters(), lr=settings.lr, betas=ADAM_BETAS, fused=True)
    best = _Best(task)
    start = _validated(task)
    _report(log, 0, settings.epochs, start, 0.0)
    for epoch in range(1, settings.epochs + 1):
        started = time.monotonic()
        batches = task.batches(epoch)
        optimizer.param_groups[0]["lr"] = settings.lr * _rate(epoch, settings)
        figures = _train_epoch(task, batches, optimizer, settings, f"epoch {epoch}")
        figures |= _validated(task)
        _report(log, epoch, settings.epochs, figures, time.monotonic() - started)
        best.offer(epoch, figures)
        if epoch - best.epoch >= settings.patience:
            say(f"no better {task.criterion} for {settings.patience} epochs: stopping")
            break
    task.model.load_state_dict(best.weights)
    task.model.eval()
    _tell_kept(task.criterion, best, start)
    return {
        "settings": asdict(settings),
        "epochs": epoch,
        "best_epoch": best.epoch,
        "criterion": task.criterion,
        "figures": best.figures,
    }


def _train_epoch(
    task: Task, batches: Sequence[Any], optimizer: torch.optim.Optimizer, settings: Optimisation, what: str
) -> dict[str, float]:
    """One pass over ``batches``; returns the means of what ``task.loss`` reports, and how long it waited for data."""
    started = time.monotonic()
    device = next(task.model.parameters()).device
    sums: dict[str, Tensor | float] = defaultdict(float)
    task.model.train()
    parted = [task.parts(batch) for batch in batches]
    reading = ReadAhead(task.load, (part for parts in parted for part, _ in parts))
    # Closed here, not when it is collected as garbage, where an interrupt would be lost.
    with closing(iter(reading)) as loaded:
        for parts in progress(parted, len(parted), what):
            optimizer.zero_grad(set_to_none=True)
            for _, share in parts:
                with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
                    loss, figures = task.loss(next(loaded))
                if not torch.isfinite(loss):
                    raise ClcapError(f"{what}: the loss is {loss.item()}: training diverged; try a smaller --lr")
                (loss * share).backward()
                for name, value in {"loss": loss.detach(), **figures}.items():
                    sums[name] += value * share
            nn.utils.clip_grad_value_(task.model.parameters(), settings.clip or math.inf)
            optimizer.step()
    means = {name: float(value) / len(batches) for name, value in sums.items()}
    return {**means, "loader_share": reading.waited / (time.monotonic() - started)}


def _validated(task: Task) -> dict[str, float]:
    task.model.eval()
    with torch.inference_mode():
        return task.validate()


def _rate(epoch: int, settings: Optimisation) -> float:
    """The share of the learning rate in this epoch: cosine from 1 down to nearly 0, or constant."""
    if settings.schedule == "constant":
        return 1.0
    return (1 + math.cos(math.pi * (epoch - 1) / settings.epochs)) / 2


def _report(log: Path, epoch: int, epochs: int, figures: dict[str, float], seconds: float) -> None:
    """Write one epoch's figures to the log and to the screen."""
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"epoch": epoch, **figures, "seconds": round(seconds, 2)}) + "\n")
    shown = "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
    say(f"epoch {epoch}/{epochs}  {shown}  ({seconds:.0f} s)")


def _tell_kept(criterion: str, best: "_Best", start: Mapping[str, float]) -> None:
    now, before = best.figures[criterion], start[criterion]
    worse = f", worse than the start's {before:.4f}" if now > before else ""
    say(f"kept epoch {best.epoch}: {criterion} {now:.4f}{worse}")


class _Best:
    """The best weights so far."""

    def __init__(self, task: Task):
        self.task = task
        self.epoch, self.figures, self.weights = 0, {}, {}  # type: int, dict[str, float], dict[str, Tensor]

    def offer(self, epoch: int, figures: dict[str, float]) -> None:
        """Keep the model's weights if this epoch is the best."""
        if not self.figures or figures[self.task.criterion] < self.figures[self.task.criterion]:
            self.epoch, self.figures = epoch, figures
            self.weights = copy.deepcopy(self.task.model.state_dict())
