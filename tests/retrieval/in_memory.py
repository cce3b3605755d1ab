"""Features of a few images, in memory."""

import numpy as np
import torch

from clcap_cli.features.source import FeatureSource
from clcap_cli.models.rows import ImageFeatures


class InMemoryFeatures(FeatureSource):
    """The given features."""

    def __init__(self, features: ImageFeatures):
        self.features, self.device = features, features.pooled.device

    def __len__(self) -> int:
        return len(self.features)

    @property
    def id(self) -> str:
        return f"in memory {id(self)}"

    def first(self, count: int) -> "InMemoryFeatures":
        return InMemoryFeatures(self.features[:count])

    def read(self, positions: np.ndarray) -> ImageFeatures:
        return self.features[torch.from_numpy(positions)]
