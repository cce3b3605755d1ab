"""Introspective learning: each caption with its own image against the same caption with other images."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.prefetch import Prefetcher
from clcap_cli.compute.random_streams import random_generator
from clcap_cli.features.source import FeatureSource
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.introspective import Introspective
from clcap_cli.training.data import CaptionBatch, CaptionSplit, belongs_to, shuffled_batches, split_by_tokens
from clcap_cli.training.negatives import NegativeSampler
from clcap_cli.training.task import ExtraState
from clcap_cli.training.task_inputs import TaskInputs
from clcap_cli.training.validation import CaptionSample


@dataclass(frozen=True)
class OthersBatch:
    """A batch's images, and for each of them K others."""

    positions: np.ndarray
    """(n,) images of the split."""
    others: np.ndarray
    """(K, n) images of the split."""


@dataclass(frozen=True)
class LoadedOthers:
    """A batch of images with others, ready to be computed."""

    captions: CaptionBatch
    """(1 + K) × P: the images' captions with their own images, then the same with the first others, and so on."""
    features: ImageFeatures
    """(1 + K) × n."""


class IntrospectiveTask:
    """The target is its own reference."""

    extra_state = ExtraState()

    def __init__(self, objective: Introspective, inputs: TaskInputs):
        """Other images that are not redrawn are drawn here."""
        target, val, self.objective = inputs.target, inputs.val, objective
        self.model, self.k, self.settings, self.seed = target.model, inputs.k, inputs.batch, inputs.seed
        self.negatives, self.captions = inputs.negatives, inputs.negatives.split
        self.features = StoredFeatures(target.features, self.captions.ids, target.model)
        self.fixed = (
            None if inputs.redraw else self._others(self.negatives, random_generator(self.seed, "fixed negatives"))
        )
        self.val_captions = val
        self.val_features = StoredFeatures(target.features, val.ids, target.model)
        self.val_others = self._others(NegativeSampler(val), random_generator(self.seed, "validation negatives"))
        self.sample = CaptionSample(val, target.features, target.model, self.seed)

    def prepare(self) -> None:
        """Nothing comes before the first epoch."""

    def batches(self, epoch: int) -> list[OthersBatch]:
        """Images in the epoch's own order, with the fixed others or with others drawn anew."""
        others = self.fixed
        if others is None:
            others = self._others(self.negatives, random_generator(self.seed, "negatives", epoch))
        order = shuffled_batches(
            len(self.captions), self.settings.batch_size, random_generator(self.seed, "order", epoch)
        )
        return [OthersBatch(positions, others[:, positions]) for positions in order]

    def parts(self, batch: OthersBatch) -> list[tuple[OthersBatch, float]]:
        """Some of the images each, weighted by their captions."""
        return _parts(self.captions, batch, self.settings.max_tokens)

    def load(self, batch: OthersBatch) -> LoadedOthers:
        """The batch's captions, and the features of its images and the others."""
        return _loaded(self.captions, self.features, batch)

    def loss(self, loaded: LoadedOthers) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The objective, and how much likelier captions are for their own images, in nats."""
        return self._loss(self._log_probs(loaded))

    def validate(self) -> dict[str, float]:
        """The objective with fixed others, likelihood, and self-retrieval among a sample."""
        blocks = self.val_features.blocks(self.settings.batch_size)
        batches = [OthersBatch(positions, self.val_others[:, positions]) for positions in blocks]
        cut = [part for batch in batches for part, _ in _parts(self.val_captions, batch, self.settings.max_tokens)]
        loading = Prefetcher(lambda part: _loaded(self.val_captions, self.val_features, part), cut)
        log_probs = torch.cat([self._log_probs(loaded) for loaded in loading], dim=1)
        loss, metrics = self._loss(log_probs)
        found: dict[str, Tensor | float] = {
            "loss": loss,
            **metrics,
            "log_prob": log_probs[0].mean(),
            **self.sample.metrics(self.model),
        }
        return {f"val_{name}": float(value) for name, value in found.items()}

    def _loss(self, log_probs: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The objective and metrics, from ln p (1 + K, P)."""
        own, other = log_probs[0], log_probs[1:]
        difference = (own - other).detach()
        metrics = {"log_prob_margin": difference.mean(), "pairwise_accuracy": (difference > 0).float().mean()}
        return self.objective.loss(own, other), metrics

    def _others(self, negatives: NegativeSampler, rng: np.random.Generator) -> np.ndarray:
        """K others for every image of the sampler's split, (K, images)."""
        return negatives.draw_images(np.arange(len(negatives.split)), self.k, rng)

    def _log_probs(self, loaded: LoadedOthers) -> Tensor:
        """ln p of the captions with their own images and with the others, (1 + K, P)."""
        pairs = loaded.captions
        return self.model(loaded.features, pairs.captions, pairs.lengths, pairs.image).view(1 + self.k, -1)


def _parts(captions: CaptionSplit, batch: OthersBatch, max_tokens: int | None) -> list[tuple[OthersBatch, float]]:
    numbers, image = captions.captions_of_images(batch.positions)
    words = (1 + len(batch.others)) * captions.words(numbers)
    return [
        (OthersBatch(batch.positions[some], batch.others[:, some]), float(belongs_to(image, some).mean()))
        for some in split_by_tokens(image, words, max_tokens)
    ]


def _loaded(captions: CaptionSplit, features: FeatureSource, batch: OthersBatch) -> LoadedOthers:
    numbers, image = captions.captions_of_images(batch.positions)
    images = np.concatenate([batch.positions[None], batch.others])  # (1 + K, n)
    row = np.arange(len(images))[:, None] * len(batch.positions) + image
    pairs = captions.batch(np.tile(numbers, len(images)), row.ravel())
    return LoadedOthers(pairs, features.read(images.ravel()))
