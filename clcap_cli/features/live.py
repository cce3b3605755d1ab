"""Features computed from images when they are asked for, through a network that may be trained meanwhile."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from clcap_cli.features.backbone import Backbone
from clcap_cli.features.images import ImageInput, as_rgb, open_rgb
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures, concatenate

BATCH_SIZE = 32
"""Shown to the network together where no gradient is needed."""


class LiveFeatures(FeatureSource):
    """The features of images, in the order in which they are given.

    Where gradients are enabled, they go into the network. Its weights may change between two reads.
    """

    def __init__(self, backbone: Backbone, images: Sequence[ImageInput], model: Captioner):
        """What ``model`` looks at, on the backbone's device."""
        self.backbone, self.images = backbone, images
        self._reading = Lock()
        self.uses_grid, self.device = model.uses_grid, backbone.device

    def __len__(self) -> int:
        return len(self.images)

    @property
    def id(self) -> str:
        """See FeatureSource; no other source is the same, since the network may change."""
        return f"live {id(self)}"

    def read(self, positions: np.ndarray) -> ImageFeatures:
        """See FeatureSource; raises UnreadableImageError for an image that cannot be read."""
        at_once = len(positions) if torch.is_grad_enabled() else BATCH_SIZE
        pieces = (positions[first : first + at_once] for first in range(0, len(positions), at_once))
        return concatenate([self._features(piece) for piece in pieces])

    def _features(self, positions: np.ndarray) -> ImageFeatures:
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            pixels = list(threads.map(self._pixels, [self.images[position] for position in positions]))
        pooled, grid = self.backbone.features(torch.stack(pixels))
        return ImageFeatures(pooled, grid if self.uses_grid else pooled.new_zeros(len(pooled), 0, 0))

    def _pixels(self, image: ImageInput) -> Tensor:
        if isinstance(image, Path):
            return self.backbone.transform(open_rgb(image, self.backbone.info.resized_to))
        with self._reading:  # an open image can be in the list twice, and Pillow reads it for one thread only
            rgb = as_rgb(image)
        return self.backbone.transform(rgb)
