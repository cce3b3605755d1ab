"""A training step with Adam: forward, loss, backward and update, on one batch after another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import torch
from torch import Tensor, nn

from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.objectives.mle import nats_per_token
from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.training.optimizer import make_optimizer
from clcap_cli.training.settings import Optimisation
from tests.benchmarks.batches import Batch, load_batches
from tests.benchmarks.measure import Side, standard_model, timed

LogProbs = Callable[[nn.Module, Batch], Tensor]
"""ln p (B,) of the captions of a batch under a model."""


def clcap_log_probs(model: nn.Module, batch: Batch) -> Tensor:
    """The log-probabilities that clcap trains with."""
    return model(batch.features, batch.tokens, batch.lengths, batch.image)


@dataclass
class Step:
    """Steps of MLE on batches with one set of captions, and of contrastive learning on batches with more."""

    model: nn.Module
    reference: nn.Module
    log_probs: LogProbs
    optimizer: torch.optim.Optimizer
    batches: Sequence[Batch]
    in_bf16: bool = False
    """Whether autocast computes the loss in bf16; the backward pass and Adam run outside of it, as in training."""

    def __post_init__(self) -> None:
        self.next_batches = cycle(self.batches)

    def __call__(self) -> None:
        """Train on the next batch."""
        batch = next(self.next_batches)
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(batch.tokens.device.type, torch.bfloat16, enabled=self.in_bf16):
            loss = self.loss(batch)
        loss.backward()
        self.optimizer.step()

    def loss(self, batch: Batch) -> Tensor:
        """The loss of a batch, with gradients of the model."""
        log_probs = self.log_probs(self.model, batch)
        if batch.sets == 1:
            return nats_per_token(log_probs, batch.lengths)
        with torch.no_grad():
            reference = self.log_probs(self.reference, batch)
        rows = (part.view(batch.sets, -1) for part in (log_probs, batch.lengths + 1, reference))
        return Contrastive().loss(PairLogProbs(*rows))


def standard_step(name: str, batches: Sequence[Batch], device: str, log_probs: LogProbs = clcap_log_probs) -> Step:
    """The step of a model of standard size with clcap's optimiser; the reference has the model's initial weights."""
    model = standard_model(name, device).train()
    reference = standard_model(name, device).eval().requires_grad_(False)
    return Step(model, reference, log_probs, make_optimizer(model, Optimisation()), batches)


def stored_step(name: str, batches: str, device: str) -> Side:
    """clcap's step on stored batches, ready to be timed in a process of its own."""
    return timed(standard_step(name, load_batches(Path(batches), device), device), device)


def step_in_bf16(name: str, batches: str, device: str) -> Side:
    """clcap's step on stored batches in bf16, ready to be timed in a process of its own."""
    step = standard_step(name, load_batches(Path(batches), device), device)
    return timed(replace(step, in_bf16=True), device)
