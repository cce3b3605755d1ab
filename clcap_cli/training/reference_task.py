"""Learning against a reference that never changes: contrastive learning (Dai & Lin 2017), its halves, and DPO."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.kept import KeptArrays
from clcap_cli.objectives.against_reference import Compared, Objective, compare
from clcap_cli.precision import Precision
from clcap_cli.random_streams import stream
from clcap_cli.read_ahead import ReadAhead
from clcap_cli.training.data import CaptionSplit, shuffled_batches
from clcap_cli.training.negatives import MismatchedBatch, NegativeSampler
from clcap_cli.training.pairs import LoadedPairs, ModelOnFeatures, PairSplit
from clcap_cli.training.settings import BatchSettings
from clcap_cli.training.task import Companions
from clcap_cli.training.validation import CaptionSample


class ReferenceTask:
    """The target learns from pairs, each judged relative to the reference."""

    companions = Companions()

    def __init__(
        self,
        negatives: NegativeSampler,
        val: CaptionSplit,
        target: ModelOnFeatures,
        reference: ModelOnFeatures,
        objective: Objective,
        k: int,
        redraw: bool,
        settings: BatchSettings,
        seed: int,
    ):
        """``negatives`` are of the split that is learned; where they are not to ``redraw`` they are drawn once."""
        self.model, self.objective, self.settings, self.seed = target.model, objective, settings, seed
        reference.model.eval().requires_grad_(False)
        self.negatives, self.k, self.redraws = negatives, k, redraw and objective.needs_negatives
        self.train_split = PairSplit(negatives.split, target, reference)
        self.val_split = PairSplit(val, target, reference)
        self.val_split.fix(NegativeSampler(val), k, stream(seed, "validation negatives"))
        if objective.needs_negatives and not redraw:
            self.train_split.fix(negatives, k, stream(seed, "fixed negatives"))
        self.sample = CaptionSample(val, target.features, target.model, seed)

    def remember(self, kept: KeptArrays, precision: Precision) -> None:
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
        """The objective, and how far target and reference are apart."""
        compared = compare(*self.train_split.log_probs(loaded))
        return self.objective.loss(compared), _figures(compared)

    def starting_figures(self, precision: Precision) -> dict[str, float]:
        """The loss and its parts on one batch, in training mode, before anything is learned."""
        self.model.train()
        device = self.train_split.captions.device.type
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            (batch,) = self._mismatched(self._order(1)[:1], 1)
            loss, figures = self.loss(self.load(self.parts(batch)[0][0]))
        return {"loss": float(loss), **{name: float(value) for name, value in figures.items()}}

    def loss_of_equal_models(self) -> float:
        """The loss where the target is the reference."""
        return float(self.objective.loss(Compared(torch.zeros(1), torch.zeros(1, 1))))

    def validate(self) -> dict[str, float]:
        """The objective on fixed negatives, its bound, likelihood, and self-retrieval among a sample."""
        split = self.val_split
        batches = split.recurring(split.target_reader.blocks(self.settings.batch_size))
        parts = [part for batch in batches for part, _ in split.parts(batch, self.settings.max_tokens)]
        log_probs = [split.log_probs(loaded) for loaded in ReadAhead(split.load, parts)]
        target, reference = (torch.cat(parts, dim=1) for parts in zip(*log_probs, strict=True))
        compared = compare(target, reference)
        figures: dict[str, Tensor | float] = {
            "loss": self.objective.loss(compared),
            **_figures(compared),
            "loss_bound": self.objective.least_loss(reference[0]),
            "log_prob": target[0].mean(),
            **self.sample.figures(self.model),
        }
        return {f"val_{name}": float(value) for name, value in figures.items()}

    def _order(self, epoch: int) -> list[np.ndarray]:
        rng = stream(self.seed, "order", epoch)
        return shuffled_batches(len(self.train_split.captions), self.settings.batch_size, rng)

    def _mismatched(self, batches: Sequence[np.ndarray], epoch: int) -> list[MismatchedBatch]:
        if self.redraws:
            return self.negatives.mismatched(batches, self.k, stream(self.seed, "negatives", epoch))
        return self.train_split.recurring(batches)


def _figures(compared: Compared) -> dict[str, Tensor]:
    figures = {"G_positive": compared.positive.detach().mean()}
    if len(compared.negative):
        figures |= {"G_negative": compared.negative.detach().mean(), "told_apart": compared.told_apart}
    return figures
