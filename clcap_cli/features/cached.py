"""Features that are read from another source once, and then kept in memory."""

import numpy as np
import torch

from clcap_cli.console import watching
from clcap_cli.features.live import BATCH_SIZE, LiveFeatures
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.rows import ImageFeatures, concatenate


class CachedFeatures(FeatureSource):
    """The features of images, computed with progress on the screen."""

    @torch.inference_mode()
    def __init__(self, source: LiveFeatures):
        """Raises UnreadableImageError for an image that cannot be read."""
        blocks = source.blocks(BATCH_SIZE)
        parts = watching("extracting features, blocks of images")(blocks, len(blocks))
        self._features = concatenate([source.read(block) for block in parts])
        self._source_id, self.device = source.id, source.device

    def __len__(self) -> int:
        return len(self._features)

    @property
    def id(self) -> str:
        """See FeatureSource."""
        return self._source_id

    def read(self, positions: np.ndarray) -> ImageFeatures:
        """See FeatureSource."""
        return self._features[torch.from_numpy(positions).to(self.device)]
