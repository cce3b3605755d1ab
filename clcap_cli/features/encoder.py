"""The interface of backbones: networks that compute pooled and grid features of images."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn


class ImageEncoder(nn.Module, ABC):
    """A network without its classifier; it must have at least one parameter."""

    preprocessing: dict[str, Any]
    """Preprocessing of images, as arguments of timm's ``create_transform``: ``input_size`` (3, pixels, pixels),
    ``mean``, ``std``, ``interpolation``, ``crop_pct``."""
    weights: str
    """Origin of the weights: 'bundled', 'timm', 'random' or the name of a file."""

    @abstractmethod
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute pooled (B, C) and grid (B, regions, C') features of normalised images (B, 3, pixels, pixels)."""
