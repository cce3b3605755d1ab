"""Matched and mismatched pairs of a split, for the target and the reference."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from clcap_cli.artifacts.cache import ArrayCache
from clcap_cli.compute.devices import copy_to_device
from clcap_cli.compute.precision import Precision
from clcap_cli.compute.processes import ALONE, Processes
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.training.data import CaptionBatch, CaptionSplit, belongs_to, split_by_tokens
from clcap_cli.training.negative_pool import NegativePool
from clcap_cli.training.negatives import MismatchedBatch, NegativeSampler
from clcap_cli.training.reference import ModelWithFeatures, SplitReference


@dataclass(frozen=True)
class LoadedPairs:
    """The captions and features of a ``MismatchedBatch``."""

    pairs: CaptionBatch
    """(1 + K) × P captions, the matched ones first, each with the image that it is paired with."""
    num_sets: int
    """1 + K, the number of sets of pairs."""
    target_features: ImageFeatures
    cached_log_probs: Tensor | None
    """(R, P) the reference's ln p of the first R of the 1 + K sets; None without a reference."""
    reference_features: ImageFeatures | None
    """The reference's features; None if R is 1 + K, and without a reference."""


class PairSplit:
    """The pairs of one split for the target and, if there is one, the reference."""

    def __init__(
        self,
        captions: CaptionSplit,
        target: ModelWithFeatures,
        reference: ModelWithFeatures | None,
        max_tokens: int | None,
    ):
        """At most ``max_tokens`` tokens are processed at once; None means whole batches."""
        self.captions, self.target, self.max_tokens = captions, target, max_tokens
        self.target_feature_source = target.source(captions.ids)
        self.reference = SplitReference(captions, reference, max_tokens) if reference else None
        self.matched = np.arange(len(captions.caption_rows))[None]
        """(1, captions of the split) indices of all captions, each paired with its own image."""
        self.fixed_negatives = self.matched[:0]
        """(K, captions of the split) mismatched captions for every epoch; K is 0 until they are drawn."""
        self.pool: NegativePool | None = None
        """The mismatched captions that each epoch's negatives are drawn from; None if from all captions."""

    def draw_fixed_negatives(self, sampler: NegativeSampler, k: int, rng: np.random.Generator) -> None:
        """Draw mismatched captions that stay the same in every epoch."""
        self.fixed_negatives = sampler.draw(self.matched[0], k, rng)

    def with_fixed_negatives(self, batches: Sequence[np.ndarray]) -> list[MismatchedBatch]:
        """Batches of images with the fixed mismatched captions."""
        return [
            MismatchedBatch(positions, self.fixed_negatives[:, self.captions.captions_of_images(positions)[0]])
            for positions in batches
        ]

    def score_recurring(self, cache: ArrayCache | None, precision: Precision) -> None:
        """Compute the reference's ln p of recurring pairs; with a cache, only those that it lacks."""
        if self.reference:
            sets = [self.matched, self.fixed_negatives] if len(self.fixed_negatives) else [self.matched]
            self.reference.score(sets, self.pool, cache, precision)

    def micro_batches(self, batch: MismatchedBatch, among: Processes = ALONE) -> list[tuple[MismatchedBatch, float]]:
        """Split the batch into micro-batches of at most ``max_tokens`` tokens, each with its share of the pairs."""
        caption_indices, image = self.captions.captions_of_images(batch.positions)
        matched, mismatched = (self.captions.token_counts(indices) for indices in (caption_indices, batch.negatives))
        parts = []
        for part in split_by_tokens(image, matched + mismatched.sum(axis=0), self.max_tokens, among):
            in_part = belongs_to(image, part)
            parts.append((batch.part(part, in_part), float(in_part.mean())))
        return parts

    def load(self, batch: MismatchedBatch, epoch: int | None = None) -> LoadedPairs:
        """Load the batch's captions and features; features that target and reference share are read once.

        In an ``epoch`` of training, both see the same views of the images.
        """
        caption_indices, image = self.captions.captions_of_images(batch.positions)
        caption_sets = np.concatenate([caption_indices[None], batch.negatives])
        pairs = self.captions.batch(caption_sets.ravel(), np.tile(image, len(caption_sets)))
        features = _read(self.target_feature_source, batch, epoch)
        loaded = LoadedPairs(pairs, len(caption_sets), features, None, None)
        if self.reference is None:
            return loaded
        known = self.reference.known_log_probs(batch, caption_indices, image)
        cached = copy_to_device(known, self.captions.device)
        if len(cached) == len(caption_sets):
            return replace(loaded, cached_log_probs=cached)
        source = self.reference.feature_source
        is_shared = source.id == self.target_feature_source.id
        reference_features = features if is_shared else _read(source, batch, epoch)
        return replace(loaded, cached_log_probs=cached, reference_features=reference_features)

    def log_probs(self, loaded: LoadedPairs) -> PairLogProbs:
        """ln p of the pairs under the target and, if there is one, the reference."""
        target = self.target.log_probs(loaded.target_features, loaded.pairs).view(loaded.num_sets, -1)
        tokens = (loaded.pairs.lengths + 1).view(loaded.num_sets, -1)
        if self.reference is None or loaded.cached_log_probs is None:
            return PairLogProbs(target, tokens)
        reference = self.reference.log_probs(loaded.cached_log_probs, loaded.reference_features, loaded.pairs)
        return PairLogProbs(target, tokens, reference)


def _read(source: FeatureSource, batch: MismatchedBatch, epoch: int | None) -> ImageFeatures:
    return (source if epoch is None else source.in_epoch(epoch)).read(batch.positions)
