"""Features read once from another source and held in memory."""

import numpy as np
import torch

from clcap_cli.console import progress_with_label
from clcap_cli.features.live import BATCH_SIZE, LiveFeatures
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.rows import ImageFeatures, concatenate


class CachedFeatures(FeatureSource):
    """The features of all images of a live source, computed when the object is created."""

    @torch.inference_mode()
    def __init__(self, source: LiveFeatures):
        """Read all features, with a progress bar; raises UnreadableImageError for an image that cannot be read."""
        blocks = source.blocks(BATCH_SIZE)
        blocks_with_progress = progress_with_label("extracting features, blocks of images")(blocks, len(blocks))
        self._features = concatenate([source.read(block) for block in blocks_with_progress])
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
