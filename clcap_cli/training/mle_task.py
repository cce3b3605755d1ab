"""Maximum likelihood training on one split, with validation on another."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from clcap_cli.compute.processes import ALONE, Processes
from clcap_cli.compute.random_streams import random_generator
from clcap_cli.features.feature_sets import FeatureSet, feature_source
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.mle import nats_per_token
from clcap_cli.training.data import CaptionBatch, CaptionSplit, shuffled_batches, split_by_tokens
from clcap_cli.training.settings import BatchSettings
from clcap_cli.training.task import ExtraState
from clcap_cli.training.validation import CaptionSample, split_log_probs


class MleTask:
    """Trains on the captions of each batch of images, paired with their own images."""

    extra_state = ExtraState()

    def __init__(
        self,
        model: Captioner,
        captions: CaptionSplit,
        val: CaptionSplit,
        features: FeatureSet,
        settings: BatchSettings,
        seed: int,
        sample: CaptionSample | None = None,
    ):
        """Validation also captions ``sample``, if given."""
        self.model, self.settings, self.seed = model, settings, seed
        self.captions, self.val_captions, self.sample = captions, val, sample
        self.features = feature_source(features, captions.ids, model)
        self.val_features = feature_source(features, val.ids, model)

    def batches(self, epoch: int) -> list[np.ndarray]:
        """Batches of image indices, in the epoch's order."""
        rng = random_generator(self.seed, "order", epoch)
        return shuffled_batches(len(self.captions), self.settings.batch_size, rng, self.features.parts)

    def micro_batches(self, positions: np.ndarray, among: Processes = ALONE) -> list[tuple[np.ndarray, float]]:
        """Micro-batches of at most ``max_tokens`` tokens, each weighted by its share of the tokens."""
        caption_indices, image = self.captions.captions_of_images(positions)
        token_counts = self.captions.token_counts(caption_indices)
        parts = split_by_tokens(image, token_counts, self.settings.max_tokens, among)
        shares = np.bincount(image, weights=token_counts) / token_counts.sum()
        return [(positions[part], float(shares[part].sum())) for part in parts]

    def load(self, positions: np.ndarray, epoch: int = 1) -> tuple[CaptionBatch, ImageFeatures]:
        """Load the images' captions and features."""
        features = self.features.in_epoch(epoch).read(positions)
        return self.captions.batch(*self.captions.captions_of_images(positions)), features

    def loss(self, loaded: tuple[CaptionBatch, ImageFeatures]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss in nats per token, without other metrics."""
        batch, features = loaded
        log_probs = self.model(features, batch.captions, batch.lengths, batch.image_index)
        return nats_per_token(log_probs, batch.lengths), {}

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Nats per token, mean ln p of a caption, and self-retrieval and CIDEr-D of the sample."""
        log_probs, lengths = split_log_probs(self.model, self.val_captions, self.val_features)
        metrics = {"loss": float(nats_per_token(log_probs, lengths)), "log_prob": float(log_probs.mean())}
        if self.sample:
            metrics |= self.sample.metrics(self.model)
        return {f"val_{name}": value for name, value in metrics.items()}
