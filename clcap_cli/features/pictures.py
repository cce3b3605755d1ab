"""Pictures as a network's input, decoded and preprocessed on request, and the views of them that training sees."""

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from clcap_cli.digests import digest_of_json
from clcap_cli.features.augmentation import boxes_of_views, cropped
from clcap_cli.features.backbone import Backbone
from clcap_cli.features.image_files import parts_of
from clcap_cli.features.images import ImageInput, UnreadableImageError, as_rgb, open_as
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.rows import Rows

OnUnreadable = Callable[[int, UnreadableImageError], None]


@dataclass(frozen=True)
class Pixels(Rows):
    """Preprocessed pictures."""

    images: Tensor
    """(N, 3, size, size) uint8"""


class PictureSource(FeatureSource):
    """Selected pictures in a fixed order, as ``Pixels`` for a network that is trained with the captioner."""

    def __init__(
        self,
        backbone: Backbone,
        images: Sequence[ImageInput],
        augmentation_seed: int | None = None,
        on_unreadable: OnUnreadable | None = None,
    ):
        """The pictures for ``backbone``, on its device; with a seed, ``in_epoch`` gives random views.

        ``on_unreadable`` is called with the position of each image that cannot be read, which then becomes a black
        image; if it is None, reading raises the error.
        """
        self.backbone, self.images, self.seed, self._on_unreadable = backbone, images, augmentation_seed, on_unreadable
        self.device = backbone.device
        self._epoch: int | None = None
        self._image_lock = Lock()

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def id(self) -> str:
        """See FeatureSource: the files and the preprocessing."""
        return f"pictures {digest_of_json([self.backbone.preprocessing, self.seed, [*map(str, self.images)]])}"

    @cached_property
    def parts(self) -> np.ndarray | None:
        """See FeatureSource: the parts of archives in object stores."""
        files = [image for image in self.images if not isinstance(image, Image.Image)]
        return parts_of(files) if len(files) == len(self.images) else None

    def in_epoch(self, epoch: int) -> Self:
        """See FeatureSource."""
        if self.seed is None:
            return self
        views = copy.copy(self)
        views._epoch = epoch
        return views

    def first(self, count: int) -> Self:
        """See FeatureSource."""
        part = copy.copy(self)
        part.images = self.images[:count]
        for computed in ("id", "parts"):
            part.__dict__.pop(computed, None)
        return part

    def read(self, positions: np.ndarray) -> Pixels:  # type: ignore[override]  # only models of pixels read it
        """Decode the pictures at ``positions``; raises UnreadableImageError for one that cannot be read."""
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            pixels = torch.stack(list(threads.map(self._pixels, positions.tolist())))
        return Pixels(pixels.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else pixels)

    def _pixels(self, position: int) -> Tensor:
        try:
            return self._transformed(position)
        except UnreadableImageError as error:
            if self._on_unreadable is None:
                raise
            self._on_unreadable(position, error)
            size = self.backbone.info.image_size
            return torch.zeros(3, size, size, dtype=torch.uint8)

    def _transformed(self, position: int) -> Tensor:
        image = self.images[position]
        if not isinstance(image, Image.Image):
            return open_as(lambda rgb: self._view(rgb, position), image, self.backbone.info.resized_to)
        with self._image_lock:  # Pillow images are not thread-safe, and an opened image can be in the list twice
            rgb = as_rgb(image)
        return self._view(rgb, position)

    def _view(self, image: Image.Image, position: int) -> Tensor:
        if self.seed is not None and self._epoch is not None:
            image = cropped(image, boxes_of_views(self.seed, self._epoch, len(self.images))[position])
        return self.backbone.transform(image)
