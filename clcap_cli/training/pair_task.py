"""Training on matched and mismatched pairs, with a frozen reference or without a reference."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.cache import ArrayCache
from clcap_cli.compute.collectives import computed_together
from clcap_cli.compute.precision import Precision
from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.compute.processes import ALONE, Processes
from clcap_cli.compute.random_streams import random_generator
from clcap_cli.console import print_info
from clcap_cli.features.feature_sets import views_vary
from clcap_cli.objectives.mle import with_likelihood
from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.pair_log_probs import PairLogProbs, concatenate
from clcap_cli.training.data import shuffled_batches
from clcap_cli.training.negative_pool import NegativePool
from clcap_cli.training.negatives import MismatchedBatch, NegativeSampler
from clcap_cli.training.pair_split import LoadedPairs, PairSplit
from clcap_cli.training.task import ExtraState
from clcap_cli.training.task_inputs import TaskInputs
from clcap_cli.training.validation import CaptionSample


class PairTask:
    """Trains the target on pairs, relative to the reference if the objective needs one."""

    extra_state = ExtraState()

    def __init__(self, objective: PairObjective, inputs: TaskInputs):
        """Freezes the reference, and draws now what is not redrawn every epoch: negatives, or the negative pool."""
        target, reference, self.objective, self.inputs = inputs.target, inputs.reference, objective, inputs
        if reference:
            reference.model.eval().requires_grad_(False)
        self.model, self.settings, self.seed = target.model, inputs.batch, inputs.seed
        self.negatives, self.k, self.redraws = inputs.negatives, inputs.k, inputs.redraw and objective.needs_negatives
        self.train_split = PairSplit(inputs.negatives.split, target, reference, inputs.batch.max_tokens)
        self.val_split = PairSplit(inputs.val, target, reference, inputs.batch.max_tokens)
        self.val_split.draw_fixed_negatives(
            NegativeSampler(inputs.val), self.k, random_generator(self.seed, "validation negatives")
        )
        if objective.needs_negatives and not inputs.redraw:
            self.train_split.draw_fixed_negatives(
                self.negatives, self.k, random_generator(self.seed, "fixed negatives")
            )
        if inputs.negative_pool_size:
            self.train_split.pool = self._draw_pool(inputs.negative_pool_size)
        self.sample = CaptionSample(inputs.val, target.features, target.model, self.seed)

    @property
    def before_steps(self) -> str:
        """The work of ``prepare``, in words; empty if it has none."""
        varies = views_vary(self.inputs.target.features)
        if self.inputs.reference and not varies and (self.inputs.cache or self.train_split.pool):
            return "the reference's scoring of recurring pairs, after which steps take less time"
        return ""

    def prepare(self) -> None:
        """Compute the reference's ln p of pairs that recur, or read them from the cache."""
        if self.inputs.cache or self.train_split.pool:
            self.score_recurring(self.inputs.cache, self.inputs.precision)

    def warm_up(self) -> None:
        """Print the loss before the first step, and the loss of a target that equals the reference, if it is known."""
        loss = self.starting_metrics(self.inputs.precision)["loss"]
        equal = f" ({self.loss_of_equal_models():.4f} if the target equals the reference, without dropout)"
        is_known = self.inputs.reference and not self.objective.mle_weight
        print_info(f"training loss before the first step: {loss:.4f}{equal if is_known else ''}")

    def score_recurring(self, cache: ArrayCache | None, precision: Precision) -> None:
        """Compute the reference's ln p of pairs that recur: training pairs in ``precision``, validation pairs in fp32.

        Values are read from ``cache``, if there is one, and added to it.
        """
        if not views_vary(self.inputs.target.features):
            self.train_split.score_recurring(cache, precision)
        self.val_split.score_recurring(cache, "fp32")

    def batches(self, epoch: int) -> list[MismatchedBatch]:
        """Images in the epoch's order, with fixed or newly drawn negatives, or without any."""
        return self._mismatched(self._order(epoch), epoch)

    def micro_batches(self, batch: MismatchedBatch, among: Processes = ALONE) -> list[tuple[MismatchedBatch, float]]:
        """Micro-batches of at most ``max_tokens`` tokens, each weighted by its share of the pairs."""
        return self.train_split.micro_batches(batch, among)

    def load(self, batch: MismatchedBatch, epoch: int = 1) -> LoadedPairs:
        """Load the batch's captions and features."""
        return self.train_split.load(batch, epoch)

    def loss(self, loaded: LoadedPairs) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss, with metrics of matched and mismatched pairs."""
        pairs = self.train_split.log_probs(loaded)
        return self._loss(pairs), pairs.metrics()

    def starting_metrics(self, precision: Precision) -> dict[str, float]:
        """The loss and its metrics on one batch in training mode, before the first step."""
        self.model.train()
        device = self.train_split.captions.device.type
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            (batch,) = self._mismatched(self._order(1)[:1], 1)
            loss, metrics = self.loss(self.load(self.micro_batches(batch)[0][0]))
        return {"loss": float(loss), **{name: float(value) for name, value in metrics.items()}}

    def loss_of_equal_models(self) -> float:
        """The objective's loss if the target equals the reference, without a likelihood term."""
        log_probs = torch.zeros(2, 1)
        return float(self.objective.loss(PairLogProbs(log_probs, torch.ones_like(log_probs), log_probs)))

    def validate(self) -> dict[str, float]:
        """The loss with fixed negatives, its lower bound, log-probability, and self-retrieval of a sample."""
        split = self.val_split
        batches = split.with_fixed_negatives(split.target_feature_source.blocks(self.settings.batch_size))
        parts = [part for batch in batches for part, _ in split.micro_batches(batch)]
        pairs = PairLogProbs(*(rows.T for rows in computed_together(parts, self._validation_rows)))
        metrics: dict[str, Tensor | float] = {
            "loss": self._loss(pairs),
            **pairs.metrics(),
            "loss_lower_bound": self.objective.loss_lower_bound(pairs),
            "log_prob": pairs.target[0].mean(),
            **self.sample.metrics(self.model),
        }
        return {f"val_{name}": float(value) for name, value in metrics.items()}

    def _validation_rows(self, parts: Sequence[MismatchedBatch]) -> list[Tensor]:
        """ln p of validation pairs, their numbers of tokens, and the reference's ln p, if there is one: (P, 1 + K)."""
        split = self.val_split
        pairs = concatenate([split.log_probs(loaded) for loaded in Prefetcher(split.load, parts)])
        return [one.T for one in (pairs.target, pairs.tokens, pairs.reference) if one is not None]

    def _loss(self, pairs: PairLogProbs) -> Tensor:
        return with_likelihood(self.objective.loss(pairs), pairs.target[0], self.objective.mle_weight)

    def _order(self, epoch: int) -> list[np.ndarray]:
        rng, split = random_generator(self.seed, "order", epoch), self.train_split
        return shuffled_batches(len(split.captions), self.settings.batch_size, rng, split.target_feature_source.parts)

    def _draw_pool(self, size: int) -> NegativePool:
        pool = NegativePool(self.negatives, size, random_generator(self.seed, "negative pool"))
        pool.report()
        return pool

    def _mismatched(self, batches: Sequence[np.ndarray], epoch: int) -> list[MismatchedBatch]:
        if self.redraws:
            source = self.train_split.pool or self.negatives
            return source.mismatched(batches, self.k, random_generator(self.seed, "negatives", epoch))
        return self.train_split.with_fixed_negatives(batches)
