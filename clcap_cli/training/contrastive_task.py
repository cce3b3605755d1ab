"""Contrastive learning on one split, validated on another (Dai & Lin 2017)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.feature_reader import FeatureReader
from clcap_cli.artifacts.features import Features
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.contrastive import Contrast, contrast, upper_bound
from clcap_cli.read_ahead import ReadAhead
from clcap_cli.training.data import BatchSettings, CaptionBatch, CaptionSplit, in_parts, shuffled_batches
from clcap_cli.training.negatives import NegativeSampler
from clcap_cli.training.validation import retrieval_sample, sample_retrieval

VALIDATION = 0
"""The epoch whose negatives serve for validation, always the same."""
NEGATIVES = 1
"""Keeps the draw of the negatives apart from that of the images' order."""


@dataclass(frozen=True)
class ModelOnFeatures:
    """A captioner and the features that it looks at; target and reference may use different ones."""

    model: Captioner
    features: Features


@dataclass(frozen=True)
class MismatchedBatch:
    """A batch's images, and for each of its captions K mismatched ones."""

    positions: np.ndarray
    """(n,) images of the split."""
    negatives: np.ndarray
    """(K, P) caption numbers of the split, P being the captions of the images."""


@dataclass(frozen=True)
class LoadedPairs:
    """A mismatched batch, ready to be computed."""

    pairs: CaptionBatch
    """(1 + K) × P captions, the matched ones first, each with the image that it is put with."""
    target_features: ImageFeatures
    reference_features: ImageFeatures


class ContrastiveSplit:
    """One split seen by target and reference: draws pairs, and gives G on them."""

    def __init__(
        self, captions: Captions, split: str, target: ModelOnFeatures, reference: ModelOnFeatures, k: int, nu: float
    ):
        skipped = [*target.features.skipped, *reference.features.skipped]
        self.captions = CaptionSplit(captions, split, next(target.model.parameters()).device, skipped)
        self.target, self.reference = target.model, reference.model
        self.target_reader, self.reference_reader = (
            FeatureReader(player.features, self.captions.ids, player.model) for player in (target, reference)
        )
        self.negatives = NegativeSampler(self.captions)
        self.k, self.nu = k, nu

    def mismatch(self, batches: Sequence[np.ndarray], seed: tuple[int, ...]) -> list[MismatchedBatch]:
        """Batches of images with mismatched captions drawn for them."""
        rng = np.random.default_rng(seed)
        captions = [self.captions.of_images(positions)[0] for positions in batches]
        drawn = [self.negatives.draw(numbers, self.k, rng) for numbers in captions]
        return [MismatchedBatch(*pair) for pair in zip(batches, drawn, strict=True)]

    def parts(self, batch: MismatchedBatch, max_tokens: int | None) -> list[tuple[MismatchedBatch, float]]:
        """The batch in pieces of at most so many words, and each one's share of the pairs."""
        numbers, image = self.captions.of_images(batch.positions)
        words = self.captions.words(numbers) + self.captions.words(batch.negatives).sum(axis=0)
        parts = []
        for some in in_parts(image, words, max_tokens):
            own = (image >= some.start) & (image < some.stop)
            parts.append((MismatchedBatch(batch.positions[some], batch.negatives[:, own]), float(own.mean())))
        return parts

    def load(self, batch: MismatchedBatch) -> LoadedPairs:
        """The batch's captions and features; features that target and reference share are read once."""
        numbers, image = self.captions.of_images(batch.positions)
        together = np.concatenate([numbers[None], batch.negatives])  # (1 + K, P)
        pairs = self.captions.batch(together.ravel(), np.tile(image, 1 + self.k))
        seen = self.target_reader.read(batch.positions)
        shared = self.reference_reader.reads_the_same_as(self.target_reader)
        return LoadedPairs(pairs, seen, seen if shared else self.reference_reader.read(batch.positions))

    def contrast(self, loaded: LoadedPairs) -> tuple[Contrast, Tensor, Tensor]:
        """The objective on a batch, and ln p of its matched pairs (P,) under target and reference."""
        target = self._log_probs(self.target, loaded.target_features, loaded.pairs)
        reference = self._log_probs(self.reference, loaded.reference_features, loaded.pairs)
        return contrast(target, reference, self.nu), target[0], reference[0]

    def _log_probs(self, model: Captioner, features: ImageFeatures, pairs: CaptionBatch) -> Tensor:
        """(1 + K, P)."""
        flat = model.sequence_log_prob(model.encode(features), pairs.captions, pairs.lengths, pairs.image)
        return flat.view(1 + self.k, -1)


class ContrastiveTask:
    """The target learns, against a reference that never changes."""

    def __init__(
        self,
        captions: Captions,
        target: ModelOnFeatures,
        reference: ModelOnFeatures,
        k: int,
        nu: float,
        settings: BatchSettings,
        seed: int,
    ):
        self.model, self.settings, self.seed = target.model, settings, seed
        reference.model.eval().requires_grad_(False)
        self.train_split = ContrastiveSplit(captions, "train", target, reference, k, nu)
        self.val_split = ContrastiveSplit(captions, "val", target, reference, k, nu)
        self.sample = retrieval_sample(target.features, self.val_split.captions.ids, target.model, seed)

    # What contrastive learning is for. On small data the objective on held-out pairs is at its best after an epoch or
    # two, when captions still become more distinctive.
    criterion = "val_mean_rank"

    def batches(self, epoch: int) -> list[MismatchedBatch]:
        """Images in the epoch's own order, with negatives drawn anew."""
        order = shuffled_batches(len(self.train_split.captions), self.settings.images, (self.seed, epoch))
        return self.train_split.mismatch(order, (self.seed, epoch, NEGATIVES))

    def parts(self, batch: MismatchedBatch) -> list[tuple[MismatchedBatch, float]]:
        """Some of the images each, weighted by their captions."""
        return self.train_split.parts(batch, self.settings.max_tokens)

    def load(self, batch: MismatchedBatch) -> LoadedPairs:
        """The batch's captions and features."""
        return self.train_split.load(batch)

    def loss(self, loaded: LoadedPairs) -> tuple[Tensor, Mapping[str, Tensor]]:
        """-J, and how far target and reference are apart."""
        result, _, _ = self.train_split.contrast(loaded)
        return result.loss, _figures(result)

    @torch.no_grad()
    def starting_figures(self) -> dict[str, float]:
        """The loss and its parts on one batch, in training mode, before anything is learned."""
        self.model.train()
        first = np.arange(min(self.settings.images, len(self.train_split.captions)))
        loss, figures = self.loss(self.load(self.train_split.mismatch([first], (self.seed, 1, NEGATIVES))[0]))
        return {"loss": float(loss), **{name: float(value) for name, value in figures.items()}}

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """The objective on fixed negatives, its upper bound, likelihood, and self-retrieval among a sample."""
        split = self.val_split
        blocks = split.target_reader.blocks(self.settings.images)
        batches = split.mismatch(blocks, (self.seed, VALIDATION, NEGATIVES))
        result, target, reference = _joined([split.contrast(loaded) for loaded in ReadAhead(split.load, batches)])
        figures = {
            "val_loss": float(result.loss),
            **{f"val_{name}": float(value) for name, value in _figures(result).items()},
            "val_loss_bound": -float(upper_bound(reference, result.nu)),
            "val_log_prob": float(target.mean()),
        }
        retrieval = sample_retrieval(self.model, self.sample)
        return {**figures, **{f"val_{name}": value for name, value in retrieval.items()}}


def _figures(result: Contrast) -> dict[str, Tensor]:
    return {
        "G_positive": result.positive.detach().mean(),
        "G_negative": result.negative.detach().mean(),
        "told_apart": result.told_apart,
    }


def _joined(parts: Sequence[tuple[Contrast, Tensor, Tensor]]) -> tuple[Contrast, Tensor, Tensor]:
    contrasts, targets, references = zip(*parts, strict=True)
    positive = torch.cat([part.positive for part in contrasts])
    negative = torch.cat([part.negative for part in contrasts], dim=1)
    return Contrast(positive, negative, contrasts[0].nu), torch.cat(targets), torch.cat(references)
