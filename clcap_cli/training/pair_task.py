"""Learning from matched and mismatched pairs, with a reference that never changes or without one."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.cache import ArrayCache
from clcap_cli.compute.precision import Precision
from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.compute.random_streams import random_generator
from clcap_cli.console import say
from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.pair_log_probs import PairLogProbs, concatenate
from clcap_cli.training.data import shuffled_batches
from clcap_cli.training.negatives import MismatchedBatch, NegativeSampler
from clcap_cli.training.pair_split import LoadedPairs, PairSplit
from clcap_cli.training.task import ExtraState
from clcap_cli.training.task_inputs import TaskInputs
from clcap_cli.training.validation import CaptionSample


class PairTask:
    """The target learns from pairs; an objective that needs a reference judges each relative to it."""

    extra_state = ExtraState()

    def __init__(self, objective: PairObjective, inputs: TaskInputs):
        """A reference is frozen; negatives that are not redrawn are drawn here."""
        target, reference, self.objective, self.inputs = inputs.target, inputs.reference, objective, inputs
        if reference:
            reference.model.eval().requires_grad_(False)
        self.model, self.settings, self.seed = target.model, inputs.batch, inputs.seed
        self.negatives, self.k, self.redraws = inputs.negatives, inputs.k, inputs.redraw and objective.needs_negatives
        self.train_split = PairSplit(inputs.negatives.split, target, reference)
        self.val_split = PairSplit(inputs.val, target, reference)
        self.val_split.fix(NegativeSampler(inputs.val), self.k, random_generator(self.seed, "validation negatives"))
        if objective.needs_negatives and not inputs.redraw:
            self.train_split.fix(self.negatives, self.k, random_generator(self.seed, "fixed negatives"))
        self.sample = CaptionSample(inputs.val, target.features, target.model, self.seed)

    def prepare(self) -> None:
        """Have the reference's ln p of pairs that recur, and report the loss before the first step."""
        if self.inputs.cache:
            self.remember(self.inputs.cache, self.inputs.precision)
        self._report_start()

    def remember(self, kept: ArrayCache, precision: Precision) -> None:
        """Have the reference's ln p of pairs that come again from ``kept``; those of training in ``precision``."""
        self.train_split.remember(kept, precision)
        self.val_split.remember(kept, "fp32")

    def batches(self, epoch: int) -> list[MismatchedBatch]:
        """Images in the epoch's own order, with negatives drawn anew unless they are fixed or of no use."""
        return self._mismatched(self._order(epoch), epoch)

    def parts(self, batch: MismatchedBatch) -> list[tuple[MismatchedBatch, float]]:
        """Some of the images each, weighted by their captions."""
        return self.train_split.parts(batch, self.settings.max_tokens)

    def load(self, batch: MismatchedBatch) -> LoadedPairs:
        """The batch's captions and features."""
        return self.train_split.load(batch)

    def loss(self, loaded: LoadedPairs) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The objective, and how far matched and mismatched pairs are apart."""
        pairs = self.train_split.log_probs(loaded)
        return self.objective.loss(pairs), pairs.metrics()

    def starting_metrics(self, precision: Precision) -> dict[str, float]:
        """The loss and its parts on one batch, in training mode, before anything is learned."""
        self.model.train()
        device = self.train_split.captions.device.type
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            (batch,) = self._mismatched(self._order(1)[:1], 1)
            loss, metrics = self.loss(self.load(self.parts(batch)[0][0]))
        return {"loss": float(loss), **{name: float(value) for name, value in metrics.items()}}

    def loss_of_equal_models(self) -> float:
        """The loss where the target is the reference."""
        pair = torch.zeros(2, 1)
        return float(self.objective.loss(PairLogProbs(pair, torch.ones_like(pair), pair)))

    def validate(self) -> dict[str, float]:
        """The objective on fixed negatives, its bound, likelihood, and self-retrieval among a sample."""
        split = self.val_split
        batches = split.recurring(split.target_reader.blocks(self.settings.batch_size))
        parts = [part for batch in batches for part, _ in split.parts(batch, self.settings.max_tokens)]
        pairs = concatenate([split.log_probs(loaded) for loaded in Prefetcher(split.load, parts)])
        metrics: dict[str, Tensor | float] = {
            "loss": self.objective.loss(pairs),
            **pairs.metrics(),
            "loss_lower_bound": self.objective.loss_lower_bound(pairs),
            "log_prob": pairs.target[0].mean(),
            **self.sample.metrics(self.model),
        }
        return {f"val_{name}": float(value) for name, value in metrics.items()}

    def _report_start(self) -> None:
        """Print the loss before the first step, and the one that is expected without dropout."""
        loss = self.starting_metrics(self.inputs.precision)["loss"]
        equal = f" ({self.loss_of_equal_models():.4f} if the target equals the reference, without dropout)"
        say(f"training loss before the first step: {loss:.4f}{equal if self.inputs.reference else ''}")

    def _order(self, epoch: int) -> list[np.ndarray]:
        rng = random_generator(self.seed, "order", epoch)
        return shuffled_batches(len(self.train_split.captions), self.settings.batch_size, rng)

    def _mismatched(self, batches: Sequence[np.ndarray], epoch: int) -> list[MismatchedBatch]:
        if self.redraws:
            return self.negatives.mismatched(batches, self.k, random_generator(self.seed, "negatives", epoch))
        return self.train_split.recurring(batches)
