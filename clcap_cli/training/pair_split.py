"""Matched and mismatched pairs of a split, as the target and the reference see them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.cache import ArrayCache
from clcap_cli.compute.precision import Precision
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.training.data import CaptionBatch, CaptionSplit, belongs_to, split_by_tokens
from clcap_cli.training.negatives import MismatchedBatch, NegativeSampler
from clcap_cli.training.reference import ModelWithFeatures, SplitReference


@dataclass(frozen=True)
class LoadedPairs:
    """A mismatched batch, ready to be computed."""

    pairs: CaptionBatch
    """(1 + K) × P captions, the matched ones first, each with the image that it is put with."""
    sets: int
    """1 + K."""
    target_features: ImageFeatures
    known: Tensor | None
    """(R, P) the reference's ln p of the first R of the 1 + K sets; None without a reference."""
    reference_features: ImageFeatures | None
    """None where R is 1 + K, and without a reference."""


class PairSplit:
    """One split seen by the target and, where there is one, by the reference."""

    def __init__(self, captions: CaptionSplit, target: ModelWithFeatures, reference: ModelWithFeatures | None):
        self.captions, self.target = captions, target
        self.target_reader = StoredFeatures(target.features, captions.ids, target.model)
        self.reference = SplitReference(captions, reference) if reference else None
        self.matched = np.arange(len(captions.caption))[None]
        """(1, captions of the split): each with its own image."""
        self.fixed = self.matched[:0]
        """(K, captions of the split): mismatched captions that come again and again; none unless they are drawn."""

    def fix(self, sampler: NegativeSampler, k: int, rng: np.random.Generator) -> None:
        """Draw the mismatched captions now, once and for all."""
        self.fixed = sampler.draw(self.matched[0], k, rng)

    def recurring(self, batches: Sequence[np.ndarray]) -> list[MismatchedBatch]:
        """Batches of images with the mismatched captions that are fixed."""
        return [
            MismatchedBatch(positions, self.fixed[:, self.captions.captions_of_images(positions)[0]])
            for positions in batches
        ]

    def remember(self, kept: ArrayCache, precision: Precision) -> None:
        """Have the reference's ln p of pairs that come again from ``kept``."""
        if self.reference:
            self.reference.remember(kept, [self.matched, self.fixed] if len(self.fixed) else [self.matched], precision)

    def parts(self, batch: MismatchedBatch, max_tokens: int | None) -> list[tuple[MismatchedBatch, float]]:
        """The batch in pieces of at most so many words, and each one's share of the pairs."""
        numbers, image = self.captions.captions_of_images(batch.positions)
        words = self.captions.words(numbers) + self.captions.words(batch.negatives).sum(axis=0)
        parts = []
        for some in split_by_tokens(image, words, max_tokens):
            own = belongs_to(image, some)
            parts.append((MismatchedBatch(batch.positions[some], batch.negatives[:, own]), float(own.mean())))
        return parts

    def load(self, batch: MismatchedBatch) -> LoadedPairs:
        """The batch's captions and features; features that target and reference share are read once."""
        numbers, image = self.captions.captions_of_images(batch.positions)
        together = np.concatenate([numbers[None], batch.negatives])
        pairs = self.captions.batch(together.ravel(), np.tile(image, len(together)))
        features = self.target_reader.read(batch.positions)
        loaded = LoadedPairs(pairs, len(together), features, None, None)
        if self.reference is None:
            return loaded
        known = torch.from_numpy(self.reference.known[:, numbers]).to(self.captions.device)
        if len(known) == len(together):
            return replace(loaded, known=known)
        reader = self.reference.reader
        reference_features = features if reader.id == self.target_reader.id else reader.read(batch.positions)
        return replace(loaded, known=known, reference_features=reference_features)

    def log_probs(self, loaded: LoadedPairs) -> PairLogProbs:
        """ln p of a batch's pairs under the target and, where there is one, under the reference."""
        target = self.target.log_probs(loaded.target_features, loaded.pairs).view(loaded.sets, -1)
        tokens = (loaded.pairs.lengths + 1).view(loaded.sets, -1)
        if self.reference is None or loaded.known is None:
            return PairLogProbs(target, tokens)
        reference = self.reference.log_probs(loaded.known, loaded.reference_features, loaded.pairs)
        return PairLogProbs(target, tokens, reference)
