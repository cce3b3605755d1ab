"""The reference's log-probabilities of the pairs of a split; those of recurring pairs are cached."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.cache import ArrayCache
from clcap_cli.compute.collectives import all_reduced
from clcap_cli.compute.precision import Precision
from clcap_cli.compute.processes import processes
from clcap_cli.console import progress
from clcap_cli.datasets.records import ImageId
from clcap_cli.digests import digest
from clcap_cli.features.feature_sets import FeatureSet, feature_source
from clcap_cli.features.source import FeatureSource, split_into_blocks
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.retrieval.ranks import check_finite
from clcap_cli.training.data import CaptionBatch, CaptionSplit, split_by_tokens
from clcap_cli.training.negative_pool import NegativePool
from clcap_cli.training.negatives import MismatchedBatch

CACHE_BLOCK = 32
"""Number of images per block when cached values are computed; a constant, for the same digits at any batch size."""
PAIRS_AT_ONCE = 1024
"""Maximum number of an image block's pairs that are scored at once, which bounds the memory."""
POOL_ARRAYS = "pool-"
"""Start of the names of pools in the cache; only the latest pool is kept."""


@dataclass(frozen=True)
class ModelWithFeatures:
    """A captioner and its features; target and reference may use different features."""

    model: Captioner
    features: FeatureSet

    def source(self, ids: Sequence[ImageId]) -> FeatureSource:
        """The features of these images."""
        return feature_source(self.features, ids, self.model)

    def log_probs(self, features: ImageFeatures, pairs: CaptionBatch) -> Tensor:
        """ln p of each caption of ``pairs`` with its image in ``features``."""
        return self.model(features, pairs.captions, pairs.lengths, pairs.image_index)


class SplitReference:
    """The reference for the pairs of one split."""

    def __init__(self, captions: CaptionSplit, reference: ModelWithFeatures, max_tokens: int | None):
        """At most ``max_tokens`` tokens, but at least one caption, are scored at once."""
        self.captions, self.reference, self.model = captions, reference, reference.model
        self.max_tokens = max_tokens
        self.feature_source = reference.source(captions.ids)
        self.cached_log_probs = np.empty((0, len(captions.caption_rows)), dtype=np.float32)
        """(R, captions of the split) ln p of the R sets of recurring pairs; R is 0 until they are scored."""
        self.pool_log_probs: np.ndarray | None = None
        """(M, images) ln p of the captions of each image's pool; None until they are scored."""

    def score(
        self, sets: Sequence[np.ndarray], pool: NegativePool | None, cache: ArrayCache | None, precision: Precision
    ) -> None:
        """Compute ln p of recurring pairs and of the pool, or read them from ``cache``.

        ``sets`` are (S, captions of the split) caption indices.
        """
        own_image = self.captions.image_of_caption
        self.cached_log_probs = np.concatenate(
            [self._scored(caption_indices, own_image, cache, precision) for caption_indices in sets]
        )
        if pool:
            self.pool_log_probs = self._scored(
                pool.captions, np.arange(len(self.captions)), cache, precision, replaced=POOL_ARRAYS
            )

    def known_log_probs(self, batch: MismatchedBatch, caption_indices: np.ndarray, image: np.ndarray) -> np.ndarray:
        """ln p (R, P) of those of the batch's 1 + K sets that are scored already, which are the first R.

        ``caption_indices`` (P,) are the captions of the batch's images, and ``image`` (P,) indexes its positions.
        """
        recurring = self.cached_log_probs[:, caption_indices]
        if self.pool_log_probs is None:
            return recurring
        return np.concatenate([recurring, self.pool_log_probs[batch.pool_rows, batch.positions[image]]])

    @torch.no_grad()
    def log_probs(self, cached_log_probs: Tensor, features: ImageFeatures | None, pairs: CaptionBatch) -> Tensor:
        """ln p (1 + K, P) of ``pairs``; the first R sets are ``cached_log_probs`` (R, P).

        ``features`` is None if all sets are cached.
        """
        if features is None:
            return cached_log_probs
        uncached = self.reference.log_probs(features, pairs[cached_log_probs.numel() :])
        return torch.cat([cached_log_probs, uncached.view(-1, cached_log_probs.shape[1])])

    def _scored(
        self,
        caption_indices: np.ndarray,
        image: np.ndarray,
        cache: ArrayCache | None,
        precision: Precision,
        replaced: str = "",
    ) -> np.ndarray:
        """ln p of ``caption_indices`` (S, C), each paired with the image of its column, ``image`` (C,).

        ``replaced``, if not empty, starts its name in the cache, where it replaces all arrays with this start.
        """
        if cache is None:
            return self._compute(caption_indices, image, precision)
        limit = "" if self.max_tokens is None else f" {self.max_tokens}"
        settings = f"{precision} {self.captions.device.type}{limit}"  # the last digits of ln p depend on all of them
        arrays = (self.captions.caption_rows, self.captions.lengths, caption_indices)
        key = replaced + digest([settings.encode(), *(array.tobytes() for array in arrays)])

        def is_valid(log_probs: np.ndarray) -> bool:
            has_expected_type = (log_probs.dtype, log_probs.shape) == ("float32", caption_indices.shape)
            return has_expected_type and bool(np.isfinite(log_probs).all())

        return cache.get(key, lambda: self._compute(caption_indices, image, precision), is_valid, replaced)

    @torch.inference_mode()
    def _compute(self, caption_indices: np.ndarray, image: np.ndarray, precision: Precision) -> np.ndarray:
        """Score the pairs image by image, because models compute equal prefixes of an image's captions only once."""
        captions, images = caption_indices.T.ravel(), np.repeat(image, len(caption_indices))
        result = np.zeros(len(captions), dtype=np.float32)
        blocks = processes().share(self.feature_source.blocks(self.model.images_at_once(CACHE_BLOCK)))
        for positions in progress(blocks, len(blocks), "reference's ln p, blocks of images"):
            in_block = np.arange(*np.searchsorted(images, [positions[0], positions[-1] + 1]))
            with torch.autocast(self.captions.device.type, torch.bfloat16, enabled=precision == "bf16"):
                encoded = self.model.encode(self.feature_source.read(positions))
                for rows in self._scored_at_once(in_block, captions):
                    pairs = self.captions.batch(captions[rows], images[rows] - positions[0])
                    log_probs = self.model.sequence_log_prob(encoded, pairs.captions, pairs.lengths, pairs.image_index)
                    result[rows] = check_finite(log_probs).cpu().numpy()
        all_reduced(torch.from_numpy(result))  # each process has zeros for the images of the others
        return np.ascontiguousarray(result.reshape(caption_indices.T.shape).T)

    def _scored_at_once(self, rows: np.ndarray, captions: np.ndarray) -> Iterator[np.ndarray]:
        """Parts of ``rows``, which index ``captions``, that are small enough to be scored at once."""
        for part in split_into_blocks(rows, PAIRS_AT_ONCE):
            token_counts = self.captions.token_counts(captions[part])
            yield from (part[one] for one in split_by_tokens(np.arange(len(part)), token_counts, self.max_tokens))
