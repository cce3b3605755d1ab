"""The interface of backbones: networks that compute pooled and grid features of images."""

from abc import ABC, abstractmethod
from typing import Any

from pydantic import JsonValue
from torch import Tensor, nn


class ImageEncoder(nn.Module, ABC):
    """A network without its classifier; it must have at least one parameter."""

    preprocessing: dict[str, Any]
    """Preprocessing of images, as arguments of timm's ``create_transform``: ``input_size`` (3, pixels, pixels),
    ``mean``, ``std``, ``interpolation``, ``crop_pct``."""
    weights: str
    """Origin of the weights: 'bundled', 'timm', 'random', 'fine-tuned' or the name of a file."""
    architecture: dict[str, JsonValue]
    """What the network is built from, except its weights, as plain data for checkpoints: ``kind`` (a key of
    ``saved_encoder.KINDS``), ``name``, and what that kind needs. Set for networks of timm and of packages by
    ``build_encoder``."""

    @abstractmethod
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute pooled (B, C) and grid (B, regions, C') features of normalised images (B, 3, pixels, pixels)."""
