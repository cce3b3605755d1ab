"""Matched and mismatched pairs of a split, as target and reference see them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.features import Features
from clcap_cli.artifacts.kept import KeptArrays
from clcap_cli.console import progress
from clcap_cli.digests import digest
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.precision import Precision
from clcap_cli.retrieval.ranks import finite
from clcap_cli.training.data import CaptionBatch, CaptionSplit, in_parts, of_part
from clcap_cli.training.negatives import MismatchedBatch, NegativeSampler

KEPT_AT_ONCE = 32
"""Images of which what is kept is computed: always as many, so that the batch size changes none of its digits."""


@dataclass(frozen=True)
class ModelOnFeatures:
    """A captioner and the features that it looks at; target and reference may use different ones."""

    model: Captioner
    features: Features


@dataclass(frozen=True)
class LoadedPairs:
    """A mismatched batch, ready to be computed."""

    pairs: CaptionBatch
    """(1 + K) × P captions, the matched ones first, each with the image that it is put with."""
    target_features: ImageFeatures
    known: Tensor
    """(R, P) the reference's ln p of the first R of the 1 + K sets."""
    reference_features: ImageFeatures | None
    """None where R is 1 + K."""


class PairSplit:
    """One split seen by target and reference."""

    def __init__(self, captions: CaptionSplit, target: ModelOnFeatures, reference: ModelOnFeatures):
        self.captions = captions
        self.target, self.reference = target.model, reference.model
        self.target_reader, self.reference_reader = (
            StoredFeatures(player.features, self.captions.ids, player.model) for player in (target, reference)
        )
        self.matched = np.arange(len(captions.caption))[None]
        """(1, captions of the split): each with its own image."""
        self.fixed = self.matched[:0]
        """(K, captions of the split): mismatched captions that come again and again; none unless they are drawn."""
        self.known = np.empty((0, self.matched.size), dtype=np.float32)
        """(R, captions of the split): the reference's ln p of the matched and of the fixed pairs, as far as known."""

    def fix(self, sampler: NegativeSampler, k: int, rng: np.random.Generator) -> None:
        """Draw the mismatched captions now, once and for all."""
        self.fixed = sampler.draw(self.matched[0], k, rng)

    def recurring(self, batches: Sequence[np.ndarray]) -> list[MismatchedBatch]:
        """Batches of images with the mismatched captions that are fixed."""
        return [
            MismatchedBatch(positions, self.fixed[:, self.captions.of_images(positions)[0]]) for positions in batches
        ]

    def remember(self, kept: KeptArrays, precision: Precision) -> None:
        """Have the reference's ln p of pairs that come again from ``kept``."""
        rows = [self._kept(kept, self.matched, precision)]
        if len(self.fixed):
            rows.append(self._kept(kept, self.fixed, precision))
        self.known = np.concatenate(rows)

    def parts(self, batch: MismatchedBatch, max_tokens: int | None) -> list[tuple[MismatchedBatch, float]]:
        """The batch in pieces of at most so many words, and each one's share of the pairs."""
        numbers, image = self.captions.of_images(batch.positions)
        words = self.captions.words(numbers) + self.captions.words(batch.negatives).sum(axis=0)
        parts = []
        for some in in_parts(image, words, max_tokens):
            own = of_part(image, some)
            parts.append((MismatchedBatch(batch.positions[some], batch.negatives[:, own]), float(own.mean())))
        return parts

    def load(self, batch: MismatchedBatch) -> LoadedPairs:
        """The batch's captions and features; features that target and reference share are read once."""
        numbers, image = self.captions.of_images(batch.positions)
        together = np.concatenate([numbers[None], batch.negatives])
        pairs = self.captions.batch(together.ravel(), np.tile(image, len(together)))
        known = torch.from_numpy(self.known[:, numbers]).to(self.captions.device)
        seen = self.target_reader.read(batch.positions)
        if len(known) == len(together):
            return LoadedPairs(pairs, seen, known, None)
        shared = self.reference_reader.id == self.target_reader.id
        return LoadedPairs(pairs, seen, known, seen if shared else self.reference_reader.read(batch.positions))

    def log_probs(self, loaded: LoadedPairs) -> tuple[Tensor, Tensor]:
        """ln p of a batch's pairs under target and reference, (1 + K, P) each."""
        rows, per_set = loaded.known.shape
        target = _log_probs(self.target, loaded.target_features, loaded.pairs).view(-1, per_set)
        if loaded.reference_features is None:
            return target, loaded.known
        with torch.no_grad():
            rest = _log_probs(self.reference, loaded.reference_features, loaded.pairs[rows * per_set :])
        return target, torch.cat([loaded.known, rest.view(-1, per_set)])

    def _kept(self, kept: KeptArrays, numbers: np.ndarray, precision: Precision) -> np.ndarray:
        """The reference's ln p of ``numbers`` (S, captions of the split), each put with the image of its column."""
        how = f"{precision} {self.captions.device.type}"  # their last digits depend on it
        name = digest(
            [how.encode(), self.captions.caption.tobytes(), self.captions.lengths.tobytes(), numbers.tobytes()]
        )

        def fits(log_probs: np.ndarray) -> bool:
            right = (log_probs.dtype, log_probs.shape) == ("float32", numbers.shape)
            return right and bool(np.isfinite(log_probs).all())

        return kept.get(name, lambda: self._reference_log_probs(numbers, precision), fits)

    @torch.inference_mode()
    def _reference_log_probs(self, numbers: np.ndarray, precision: Precision) -> np.ndarray:
        found = np.empty(numbers.shape, dtype=np.float32)
        blocks = self.reference_reader.blocks(KEPT_AT_ONCE)
        for positions in progress(blocks, len(blocks), "reference's ln p, blocks of images"):
            own, image = self.captions.of_images(positions)
            with torch.autocast(self.captions.device.type, torch.bfloat16, enabled=precision == "bf16"):
                visual = self.reference.encode(self.reference_reader.read(positions))
                for row, several in enumerate(numbers[:, own]):
                    pairs = self.captions.batch(several, image)
                    log_probs = self.reference.sequence_log_prob(visual, pairs.captions, pairs.lengths, pairs.image)
                    found[row, own] = finite(log_probs).cpu().numpy()
        return found


def _log_probs(model: Captioner, features: ImageFeatures, pairs: CaptionBatch) -> Tensor:
    return model(features, pairs.captions, pairs.lengths, pairs.image)
