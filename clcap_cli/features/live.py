"""Features computed from pictures on request, by a network that is not trained."""

import copy
from typing import Self

import numpy as np
import torch

from clcap_cli.features.pictures import PictureSource
from clcap_cli.features.source import FeatureSource, split_into_blocks
from clcap_cli.models.rows import ImageFeatures, concatenate

BATCH_SIZE = 32
"""Number of images that the network computes at once."""


class LiveFeatures(FeatureSource):
    """The features of pictures, in their order."""

    def __init__(self, pictures: PictureSource, uses_grid: bool):
        """Create the source of the features of the pictures' backbone, on its device."""
        self.pictures, self.uses_grid, self.device = pictures, uses_grid, pictures.device

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def id(self) -> str:
        """See FeatureSource."""
        info = self.pictures.backbone.info
        return f"{info.weights_id}{' with grid' if self.uses_grid else ''} {self.pictures.id}"

    @property
    def parts(self) -> np.ndarray | None:
        """See FeatureSource."""
        return self.pictures.parts

    def in_epoch(self, epoch: int) -> Self:
        """See FeatureSource."""
        return self._of(self.pictures.in_epoch(epoch))

    def first(self, count: int) -> Self:
        """See FeatureSource."""
        return self._of(self.pictures.first(count))

    @torch.no_grad()
    def read(self, positions: np.ndarray) -> ImageFeatures:
        """See FeatureSource; raises UnreadableImageError for an image that cannot be read."""
        return concatenate([self._features(batch) for batch in split_into_blocks(positions, BATCH_SIZE)])

    def _features(self, positions: np.ndarray) -> ImageFeatures:
        pooled, grid = self.pictures.backbone.features(self.pictures.read(positions).images)
        return ImageFeatures(pooled, grid if self.uses_grid else pooled.new_zeros(len(pooled), 0, 0))

    def _of(self, pictures: PictureSource) -> Self:
        other = copy.copy(self)
        other.pictures = pictures
        return other
