"""Features that are already in memory, as a source for decoding and scoring."""

import numpy as np
import torch

from clcap_cli.features.source import FeatureSource
from clcap_cli.models.rows import ImageFeatures


class FixedFeatures(FeatureSource):
    """The given features."""

    def __init__(self, features: ImageFeatures):
        self.features, self.device = features, features.pooled.device

    def __len__(self) -> int:
        return len(self.features)

    @property
    def id(self) -> str:
        return "fixed"

    def read(self, positions: np.ndarray) -> ImageFeatures:
        return self.features[torch.from_numpy(positions).to(self.device)]
