"""Images as a model sees them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.features import Features
from clcap_cli.datasets.records import ImageId
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures

IMAGES_AT_ONCE = 256


class FeatureReader:
    """The features of chosen images, in the order of ``ids``, read from the memory map batch by batch."""

    def __init__(self, features: Features, ids: Sequence[ImageId], model: Captioner):
        self.features = features
        self.rows = features.rows_of(ids)
        self.uses_grid = model.uses_grid
        self.device = next(model.parameters()).device

    def __len__(self) -> int:
        return len(self.rows)

    def blocks(self, size: int = IMAGES_AT_ONCE) -> list[np.ndarray]:
        """All positions in order, ``size`` at a time."""
        return in_blocks(np.arange(len(self)), size)

    def reads_the_same_as(self, other: "FeatureReader") -> bool:
        """Whether both, if they have the same ids, give the same features."""
        mine, theirs = self.features.provenance.id, other.features.provenance.id
        return (mine, self.uses_grid) == (theirs, other.uses_grid)

    def read(self, positions: np.ndarray) -> ImageFeatures:
        """The features of the images at these positions in ``ids``; raises ClcapError for one that is damaged."""
        rows = self.rows[positions]
        pooled = self._tensor(self.features.pooled_at(rows))
        grid = self._tensor(self.features.grid_at(rows)) if self.uses_grid else pooled.new_zeros(len(rows), 0, 0)
        return ImageFeatures(pooled, grid)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self.device).float()


def in_blocks(order: np.ndarray, size: int) -> list[np.ndarray]:
    """``order`` cut into pieces of ``size``; the last may be shorter."""
    return [order[first : first + size] for first in range(0, len(order), size)]
