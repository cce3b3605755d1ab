"""Introspective learning: each caption with its own image is compared with the same caption and other images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.collectives import computed_together
from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.compute.processes import ALONE, Processes
from clcap_cli.compute.random_streams import random_generator
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.introspective import Introspective
from clcap_cli.objectives.mle import with_likelihood
from clcap_cli.training.data import CaptionBatch, CaptionSplit, belongs_to, shuffled_batches, split_by_tokens
from clcap_cli.training.negatives import NegativeSampler
from clcap_cli.training.task import ExtraState
from clcap_cli.training.task_inputs import TaskInputs
from clcap_cli.training.validation import CaptionSample


@dataclass(frozen=True)
class OtherImagesBatch:
    """A batch of images, with K other images for each of them."""

    positions: np.ndarray
    """(n,) indices of the images."""
    other_images: np.ndarray
    """(K, n) indices of the other images."""


@dataclass(frozen=True)
class LoadedOtherImages:
    """The captions and features of an ``OtherImagesBatch``."""

    captions: CaptionBatch
    """(1 + K) × P: the captions paired with their own images, then with the first of the other images, and so on."""
    features: ImageFeatures
    """Features of (1 + K) × n images."""


class IntrospectiveTask:
    """Trains a target that is its own reference."""

    extra_state = ExtraState()
    before_steps = ""

    def __init__(self, objective: Introspective, inputs: TaskInputs):
        """Draws the other images now if they are not redrawn every epoch."""
        target, val, self.objective = inputs.target, inputs.val, objective
        self.model, self.k, self.settings, self.seed = target.model, inputs.k, inputs.batch, inputs.seed
        self.negatives, self.captions = inputs.negatives, inputs.negatives.split
        self.features = target.source(self.captions.ids)
        self.fixed_other_images = None
        if not inputs.redraw:
            fixed_rng = random_generator(self.seed, "fixed negatives")
            self.fixed_other_images = self._draw_other_images(self.negatives, fixed_rng)
        self.val_captions = val
        self.val_features = target.source(val.ids)
        val_rng = random_generator(self.seed, "validation negatives")
        self.val_other_images = self._draw_other_images(NegativeSampler(val), val_rng)
        self.sample = CaptionSample(val, target.features, target.model, self.seed)

    def prepare(self) -> None:
        """Do nothing."""

    def warm_up(self) -> None:
        """Do nothing."""

    def batches(self, epoch: int) -> list[OtherImagesBatch]:
        """Images in the epoch's order, with fixed or newly drawn other images."""
        other_images = self.fixed_other_images
        if other_images is None:
            other_images = self._draw_other_images(self.negatives, random_generator(self.seed, "negatives", epoch))
        rng = random_generator(self.seed, "order", epoch)
        batches = shuffled_batches(len(self.captions), self.settings.batch_size, rng, self.features.parts)
        return [OtherImagesBatch(positions, other_images[:, positions]) for positions in batches]

    def micro_batches(self, batch: OtherImagesBatch, among: Processes = ALONE) -> list[tuple[OtherImagesBatch, float]]:
        """Micro-batches of at most ``max_tokens`` tokens, each weighted by its share of the captions."""
        return _split(self.captions, batch, self.settings.max_tokens, among)

    def load(self, batch: OtherImagesBatch, epoch: int = 1) -> LoadedOtherImages:
        """Load the batch's captions, and the features of its images and the other images."""
        return _load(self.captions, self.features.in_epoch(epoch), batch)

    def loss(self, loaded: LoadedOtherImages) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss, with the mean difference in nats of ln p for the own and for other images."""
        return self._loss(self._log_probs(loaded))

    def validate(self) -> dict[str, float]:
        """The loss with fixed other images, log-probability, and self-retrieval of a sample."""
        blocks = self.val_features.blocks(self.settings.batch_size)
        batches = [OtherImagesBatch(positions, self.val_other_images[:, positions]) for positions in blocks]
        parts = [part for batch in batches for part, _ in _split(self.val_captions, batch, self.settings.max_tokens)]
        log_probs = computed_together(parts, self._validation_rows)[0].T
        loss, metrics = self._loss(log_probs)
        values: dict[str, Tensor | float] = {
            "loss": loss,
            **metrics,
            "log_prob": log_probs[0].mean(),
            **self.sample.metrics(self.model),
        }
        return {f"val_{name}": float(value) for name, value in values.items()}

    def _validation_rows(self, parts: Sequence[OtherImagesBatch]) -> list[Tensor]:
        """ln p (P, 1 + K) of validation captions with their own and with the other images."""
        load = partial(_load, self.val_captions, self.val_features)
        return [torch.cat([self._log_probs(loaded).T for loaded in Prefetcher(load, parts)])]

    def _loss(self, log_probs: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss and the metrics, from ln p (1 + K, P)."""
        matched, mismatched = log_probs[0], log_probs[1:]
        margin = (matched - mismatched).detach()
        metrics = {"log_prob_margin": margin.mean(), "pairwise_accuracy": (margin > 0).float().mean()}
        loss = self.objective.loss(matched, mismatched)
        return with_likelihood(loss, matched, self.objective.mle_weight), metrics

    def _draw_other_images(self, negatives: NegativeSampler, rng: np.random.Generator) -> np.ndarray:
        """Draw K other images for each image of the sampler's split: (K, images)."""
        return negatives.draw_images(np.arange(len(negatives.split)), self.k, rng)

    def _log_probs(self, loaded: LoadedOtherImages) -> Tensor:
        """ln p (1 + K, P) of the captions with their own and with the other images."""
        pairs = loaded.captions
        return self.model(loaded.features, pairs.captions, pairs.lengths, pairs.image_index).view(1 + self.k, -1)


def _split(
    captions: CaptionSplit, batch: OtherImagesBatch, max_tokens: int | None, among: Processes = ALONE
) -> list[tuple[OtherImagesBatch, float]]:
    caption_indices, image = captions.captions_of_images(batch.positions)
    token_counts = (1 + len(batch.other_images)) * captions.token_counts(caption_indices)
    return [
        (OtherImagesBatch(batch.positions[part], batch.other_images[:, part]), float(belongs_to(image, part).mean()))
        for part in split_by_tokens(image, token_counts, max_tokens, among)
    ]


def _load(captions: CaptionSplit, features: FeatureSource, batch: OtherImagesBatch) -> LoadedOtherImages:
    caption_indices, image = captions.captions_of_images(batch.positions)
    images = np.concatenate([batch.positions[None], batch.other_images])  # (1 + K, n)
    row = np.arange(len(images))[:, None] * len(batch.positions) + image
    pairs = captions.batch(np.tile(caption_indices, len(images)), row.ravel())
    return LoadedOtherImages(pairs, features.read(images.ravel()))
