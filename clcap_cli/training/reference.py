"""The reference's log-probabilities of a split's pairs; those of pairs that recur are computed once."""

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

KEPT_AT_ONCE = 32
"""Images of which what is kept is computed: always as many, so that the batch size changes none of its digits."""


@dataclass(frozen=True)
class ModelWithFeatures:
    """A captioner and the features that it looks at; target and reference may use different ones."""

    model: Captioner
    features: Features

    def log_probs(self, features: ImageFeatures, pairs: CaptionBatch) -> Tensor:
        """ln p of each caption of ``pairs`` with its image of ``features``."""
        return self.model(features, pairs.captions, pairs.lengths, pairs.image)


class SplitReference:
    """The reference and one split."""

    def __init__(self, captions: CaptionSplit, reference: ModelWithFeatures):
        self.captions, self.reference, self.model = captions, reference, reference.model
        self.reader = StoredFeatures(reference.features, captions.ids, reference.model)
        self.known = np.empty((0, len(captions.caption)), dtype=np.float32)
        """(R, captions of the split): ln p of the sets of pairs that recur, as far as they are known."""

    def remember(self, kept: ArrayCache, sets: Sequence[np.ndarray], precision: Precision) -> None:
        """Have ln p of pairs that come again from ``kept``; ``sets`` are caption numbers (S, captions of the split)."""
        self.known = np.concatenate([self._kept(kept, numbers, precision) for numbers in sets])

    @torch.no_grad()
    def log_probs(self, known: Tensor, features: ImageFeatures | None, pairs: CaptionBatch) -> Tensor:
        """(1 + K, P) ln p of ``pairs``, of which the first R sets are ``known`` (R, P).

        ``features`` are None where all of them are.
        """
        if features is None:
            return known
        rest = self.reference.log_probs(features, pairs[known.numel() :])
        return torch.cat([known, rest.view(-1, known.shape[1])])

    def _kept(self, kept: ArrayCache, numbers: np.ndarray, precision: Precision) -> np.ndarray:
        """ln p of ``numbers`` (S, captions of the split), each put with the image of its column."""
        how = f"{precision} {self.captions.device.type}"  # their last digits depend on it
        name = digest(
            [how.encode(), self.captions.caption.tobytes(), self.captions.lengths.tobytes(), numbers.tobytes()]
        )

        def fits(log_probs: np.ndarray) -> bool:
            right = (log_probs.dtype, log_probs.shape) == ("float32", numbers.shape)
            return right and bool(np.isfinite(log_probs).all())

        return kept.get(name, lambda: self._computed(numbers, precision), fits)

    @torch.inference_mode()
    def _computed(self, numbers: np.ndarray, precision: Precision) -> np.ndarray:
        found = np.empty(numbers.shape, dtype=np.float32)
        blocks = self.reader.blocks(KEPT_AT_ONCE)
        for positions in progress(blocks, len(blocks), "reference's ln p, blocks of images"):
            own, image = self.captions.captions_of_images(positions)
            with torch.autocast(self.captions.device.type, torch.bfloat16, enabled=precision == "bf16"):
                encoded = self.model.encode(self.reader.read(positions))
                for row, several in enumerate(numbers[:, own]):
                    pairs = self.captions.batch(several, image)
                    log_probs = self.model.sequence_log_prob(encoded, pairs.captions, pairs.lengths, pairs.image)
                    found[row, own] = check_finite(log_probs).cpu().numpy()
        return found
