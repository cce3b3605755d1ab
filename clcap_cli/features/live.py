"""Features computed from images on request, by a network that may be in training."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from clcap_cli.features.backbone import Backbone
from clcap_cli.features.images import ImageInput, UnreadableImageError, as_rgb, open_as
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures, concatenate

BATCH_SIZE = 32
"""Number of images in a batch if gradients are disabled."""


class LiveFeatures(FeatureSource):
    """The features of images, in the given order.

    If gradients are enabled, they flow into the network, whose weights may change between reads.
    """

    def __init__(
        self,
        backbone: Backbone,
        images: Sequence[ImageInput],
        model: Captioner,
        on_unreadable: Callable[[int, UnreadableImageError], None] | None = None,
    ):
        """Create the source of the features that ``model`` uses, on the backbone's device.

        ``on_unreadable`` is called with the position of each image that cannot be read, which then becomes a black
        image; if it is None, reading the features raises the error.
        """
        self.backbone, self.images, self._on_unreadable = backbone, images, on_unreadable
        self._image_lock = Lock()
        self.uses_grid, self.device = model.uses_grid, backbone.device

    def __len__(self) -> int:
        return len(self.images)

    @property
    def id(self) -> str:
        """See FeatureSource; unique for each source, because the network may change."""
        return f"live {id(self)}"

    def read(self, positions: np.ndarray) -> ImageFeatures:
        """See FeatureSource; raises UnreadableImageError for an image that cannot be read."""
        size = len(positions) if torch.is_grad_enabled() else BATCH_SIZE
        batches = (positions[first : first + size] for first in range(0, len(positions), size))
        return concatenate([self._features(batch) for batch in batches])

    def _features(self, positions: np.ndarray) -> ImageFeatures:
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            pixels = list(threads.map(self._pixels, positions.tolist()))
        pooled, grid = self.backbone.features(torch.stack(pixels))
        return ImageFeatures(pooled, grid if self.uses_grid else pooled.new_zeros(len(pooled), 0, 0))

    def _pixels(self, position: int) -> Tensor:
        try:
            return self._transformed(self.images[position])
        except UnreadableImageError as error:
            if self._on_unreadable is None:
                raise
            self._on_unreadable(position, error)
            return torch.zeros(3, self.backbone.info.image_size, self.backbone.info.image_size, dtype=torch.uint8)

    def _transformed(self, image: ImageInput) -> Tensor:
        if not isinstance(image, Image.Image):
            return open_as(self.backbone.transform, image, self.backbone.info.resized_to)
        with self._image_lock:  # Pillow images are not thread-safe, and an opened image can be in the list twice
            rgb = as_rgb(image)
        return self.backbone.transform(rgb)
