"""Features read from a ``features.h5``."""

import copy
from collections.abc import Sequence
from typing import Self

import numpy as np
from torch import Tensor

from clcap_cli.artifacts.features import Features
from clcap_cli.compute.devices import copy_to_device
from clcap_cli.datasets.records import ImageId
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures


class StoredFeatures(FeatureSource):
    """The features of the images ``ids``, in this order, read from a memory-mapped file."""

    def __init__(self, features: Features, ids: Sequence[ImageId], model: Captioner):
        """Create the source of the features that ``model`` uses, on its device.

        Raises ClcapError if an image has no features.
        """
        self.features = features
        self.rows = features.rows_of(ids)
        self.uses_grid = model.uses_grid
        self.device = next(model.parameters()).device

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def id(self) -> str:
        """See FeatureSource."""
        return f"{self.features.provenance.id}{' with grid' if self.uses_grid else ''}"

    @property
    def parts(self) -> np.ndarray | None:
        """See FeatureSource: the shards of an index."""
        return self.features.shards_of(self.rows)

    def first(self, count: int) -> Self:
        """See FeatureSource."""
        part = copy.copy(self)
        part.rows = self.rows[:count]
        return part

    def read(self, positions: np.ndarray) -> ImageFeatures:
        """See FeatureSource; raises ClcapError for an image whose features are damaged."""
        rows = self.rows[positions]
        pooled = self._tensor(self.features.pooled_at(rows))
        if not self.uses_grid:
            return ImageFeatures(pooled, pooled.new_zeros(len(rows), 0, 0))
        grid, mask = self.features.grid_at(rows)
        return ImageFeatures(pooled, self._tensor(grid), copy_to_device(mask, self.device))

    def pooled_at(self, positions: np.ndarray) -> np.ndarray:
        """See FeatureSource; regions are not read."""
        return self.features.pooled_at(self.rows[positions])

    def _tensor(self, values: np.ndarray) -> Tensor:
        return copy_to_device(values, self.device).float()
