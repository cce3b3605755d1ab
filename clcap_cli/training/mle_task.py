"""Maximum likelihood training on one split, validated on another."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.features import Features
from clcap_cli.compute.random_streams import random_generator
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.mle import nats_per_token
from clcap_cli.training.data import CaptionBatch, CaptionSplit, shuffled_batches, split_by_tokens
from clcap_cli.training.settings import BatchSettings
from clcap_cli.training.task import ExtraState
from clcap_cli.training.validation import CaptionSample, split_log_probs


class MleTask:
    """All captions of a batch of images, each with its own image."""

    extra_state = ExtraState()

    def __init__(
        self,
        model: Captioner,
        captions: CaptionSplit,
        val: CaptionSplit,
        features: Features,
        settings: BatchSettings,
        seed: int,
        sample: CaptionSample | None = None,
    ):
        """Where a ``sample`` is given, validation captions it too."""
        self.model, self.settings, self.seed = model, settings, seed
        self.captions, self.val_captions, self.sample = captions, val, sample
        self.features = StoredFeatures(features, captions.ids, model)
        self.val_features = StoredFeatures(features, val.ids, model)

    def batches(self, epoch: int) -> list[np.ndarray]:
        """Positions of images, in an order that is the epoch's own."""
        return shuffled_batches(
            len(self.captions), self.settings.batch_size, random_generator(self.seed, "order", epoch)
        )

    def parts(self, positions: np.ndarray) -> list[tuple[np.ndarray, float]]:
        """Some of the images each, weighted by their words."""
        numbers, image = self.captions.captions_of_images(positions)
        words = self.captions.words(numbers)
        parts = split_by_tokens(image, words, self.settings.max_tokens)
        totals = np.bincount(image, weights=words) / words.sum()
        return [(positions[part], float(totals[part].sum())) for part in parts]

    def load(self, positions: np.ndarray) -> tuple[CaptionBatch, ImageFeatures]:
        """The images' captions and features."""
        return self.captions.batch(*self.captions.captions_of_images(positions)), self.features.read(positions)

    def loss(self, loaded: tuple[CaptionBatch, ImageFeatures]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Nats per word."""
        batch, features = loaded
        log_probs = self.model(features, batch.captions, batch.lengths, batch.image)
        return nats_per_token(log_probs, batch.lengths), {}

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Nats per word, mean ln p of a caption and, of a sample, self-retrieval and CIDEr-D."""
        log_probs, lengths = split_log_probs(self.model, self.val_captions, self.val_features)
        found = {"loss": float(nats_per_token(log_probs, lengths)), "log_prob": float(log_probs.mean())}
        if self.sample:
            found |= self.sample.metrics(self.model)
        return {f"val_{name}": value for name, value in found.items()}
