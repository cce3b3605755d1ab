"""Features held in memory."""

import copy
from typing import Self

import numpy as np
import torch

from clcap_cli.console import progress_with_label
from clcap_cli.features.live import BATCH_SIZE, LiveFeatures
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.rows import ImageFeatures, concatenate


class CachedFeatures(FeatureSource):
    """The features of all images of another source."""

    def __init__(self, features: ImageFeatures, id: str):
        """``id`` is that of the other source."""
        self._features, self._id, self.device = features, id, features.pooled.device

    def __len__(self) -> int:
        return len(self._features)

    @property
    def id(self) -> str:
        """See FeatureSource."""
        return self._id

    def first(self, count: int) -> Self:
        """See FeatureSource."""
        part = copy.copy(self)
        part._features = self._features[:count]
        return part

    def read(self, positions: np.ndarray) -> ImageFeatures:
        """See FeatureSource."""
        rows = self._features[torch.from_numpy(positions).to(self.device)]
        return ImageFeatures(rows.pooled.float(), rows.grid.float(), rows.mask)


def computed_once(source: LiveFeatures) -> CachedFeatures:
    """Compute all features of a source, with a progress bar, and hold them as float16, as in features.h5.

    Raises UnreadableImageError for an image that cannot be read.
    """
    blocks = source.blocks(BATCH_SIZE)
    blocks_with_progress = progress_with_label("extracting features, blocks of images")(blocks, len(blocks))
    parts = [source.read(block) for block in blocks_with_progress]
    halves = [ImageFeatures(part.pooled.half(), part.grid.half(), part.mask) for part in parts]
    return CachedFeatures(concatenate(halves), source.id)
