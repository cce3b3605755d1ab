"""The reference's log-probabilities of the pairs of a split; those of recurring pairs are cached."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.cache import ArrayCache
from clcap_cli.artifacts.features import Features
from clcap_cli.compute.precision import Precision
from clcap_cli.console import progress
from clcap_cli.digests import digest
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.retrieval.ranks import check_finite
from clcap_cli.training.data import CaptionBatch, CaptionSplit

CACHE_BLOCK = 32
"""Number of images per block when cached values are computed; a constant, for the same digits at any batch size."""


@dataclass(frozen=True)
class ModelWithFeatures:
    """A captioner and its features; target and reference may use different features."""

    model: Captioner
    features: Features

    def log_probs(self, features: ImageFeatures, pairs: CaptionBatch) -> Tensor:
        """ln p of each caption of ``pairs`` with its image in ``features``."""
        return self.model(features, pairs.captions, pairs.lengths, pairs.image_index)


class SplitReference:
    """The reference for the pairs of one split."""

    def __init__(self, captions: CaptionSplit, reference: ModelWithFeatures):
        self.captions, self.reference, self.model = captions, reference, reference.model
        self.feature_source = StoredFeatures(reference.features, captions.ids, reference.model)
        self.cached_log_probs = np.empty((0, len(captions.caption_rows)), dtype=np.float32)
        """(R, captions of the split) ln p of the R sets of recurring pairs; R is 0 without a cache."""

    def use_cache(self, cache: ArrayCache, sets: Sequence[np.ndarray], precision: Precision) -> None:
        """Read ln p of recurring pairs from ``cache``; ``sets`` are (S, captions of the split) caption indices."""
        self.cached_log_probs = np.concatenate(
            [self._cached(cache, caption_indices, precision) for caption_indices in sets]
        )

    @torch.no_grad()
    def log_probs(self, cached_log_probs: Tensor, features: ImageFeatures | None, pairs: CaptionBatch) -> Tensor:
        """ln p (1 + K, P) of ``pairs``; the first R sets are ``cached_log_probs`` (R, P).

        ``features`` is None if all sets are cached.
        """
        if features is None:
            return cached_log_probs
        uncached = self.reference.log_probs(features, pairs[cached_log_probs.numel() :])
        return torch.cat([cached_log_probs, uncached.view(-1, cached_log_probs.shape[1])])

    def _cached(self, cache: ArrayCache, caption_indices: np.ndarray, precision: Precision) -> np.ndarray:
        """ln p of ``caption_indices`` (S, captions of the split), each paired with the image of its column."""
        settings = f"{precision} {self.captions.device.type}"  # the last digits of ln p depend on both
        arrays = (self.captions.caption_rows, self.captions.lengths, caption_indices)
        key = digest([settings.encode(), *(array.tobytes() for array in arrays)])

        def is_valid(log_probs: np.ndarray) -> bool:
            has_expected_type = (log_probs.dtype, log_probs.shape) == ("float32", caption_indices.shape)
            return has_expected_type and bool(np.isfinite(log_probs).all())

        return cache.get(key, lambda: self._compute(caption_indices, precision), is_valid)

    @torch.inference_mode()
    def _compute(self, caption_indices: np.ndarray, precision: Precision) -> np.ndarray:
        result = np.empty(caption_indices.shape, dtype=np.float32)
        blocks = self.feature_source.blocks(CACHE_BLOCK)
        for positions in progress(blocks, len(blocks), "reference's ln p, blocks of images"):
            columns, image = self.captions.captions_of_images(positions)
            with torch.autocast(self.captions.device.type, torch.bfloat16, enabled=precision == "bf16"):
                encoded = self.model.encode(self.feature_source.read(positions))
                for row, indices in enumerate(caption_indices[:, columns]):
                    pairs = self.captions.batch(indices, image)
                    log_probs = self.model.sequence_log_prob(encoded, pairs.captions, pairs.lengths, pairs.image_index)
                    result[row, columns] = check_finite(log_probs).cpu().numpy()
        return result
