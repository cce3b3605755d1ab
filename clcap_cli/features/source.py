"""What gives a model its image input: the interface of stored and of live features."""

from abc import ABC, abstractmethod

import numpy as np
import torch

from clcap_cli.models.rows import ImageFeatures

BLOCK_SIZE = 256


class FeatureSource(ABC):
    """The features of chosen images, in a fixed order, read block by block."""

    device: torch.device
    """Where the features are read to."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of images."""

    @abstractmethod
    def read(self, positions: np.ndarray) -> ImageFeatures:
        """The features of the images at these positions."""

    @property
    @abstractmethod
    def id(self) -> str:
        """Equal for two sources that give the same features for the same images."""

    def blocks(self, size: int = BLOCK_SIZE) -> list[np.ndarray]:
        """All positions in order, ``size`` at a time."""
        return split_into_blocks(np.arange(len(self)), size)


def split_into_blocks(order: np.ndarray, size: int) -> list[np.ndarray]:
    """``order`` cut into pieces of ``size``; the last may be shorter."""
    return [order[first : first + size] for first in range(0, len(order), size)]
