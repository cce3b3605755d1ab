"""The interface of feature sources, which provide the image inputs of a model."""

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
import torch

from clcap_cli.models.rows import ImageFeatures

BLOCK_SIZE = 256
"""Number of images that are read at once."""


class FeatureSource(ABC):
    """The features of selected images in a fixed order."""

    device: torch.device
    """Device of the features that are read."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of images."""

    @abstractmethod
    def read(self, positions: np.ndarray) -> ImageFeatures:
        """Read the features of the images at ``positions``."""

    def pooled_at(self, positions: np.ndarray) -> np.ndarray:
        """Pooled features of the images at ``positions``, (images, pooled channels)."""
        return self.read(positions).pooled.cpu().numpy()

    def pooled(self) -> np.ndarray:
        """Pooled features of all images, (images, pooled channels)."""
        return np.concatenate([self.pooled_at(positions) for positions in self.blocks()])

    @property
    @abstractmethod
    def id(self) -> str:
        """Identifier of the features: sources with the same features of the same images have the same id."""

    @abstractmethod
    def first(self, count: int) -> Self:
        """The features of the first ``count`` images."""

    @property
    def parts(self) -> np.ndarray | None:
        """The part of the storage in which each image is, (images,) int64; None if any order is read equally fast."""
        return None

    def in_epoch(self, epoch: int) -> Self:
        """The features as training sees them in an epoch, from 1; the same in every epoch unless pictures vary."""
        return self

    def blocks(self, size: int = BLOCK_SIZE) -> list[np.ndarray]:
        """All positions in order, in blocks of ``size``."""
        return split_into_blocks(np.arange(len(self)), size)


def split_into_blocks(order: np.ndarray, size: int) -> list[np.ndarray]:
    """Split ``order`` into blocks of ``size``; the last may be shorter."""
    return [order[first : first + size] for first in range(0, len(order), size)]
