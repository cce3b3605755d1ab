"""The interface of backbones: networks that compute pooled and grid features of images."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from PIL import Image
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
    processor: dict[str, JsonValue] | None = None
    """Configuration of Hugging Face's image processor, if that prepares images instead of ``preprocessing``."""

    @property
    def transform(self) -> Callable[[Image.Image], Tensor]:
        """Preprocessing of an RGB image to (3, pixels, pixels) uint8."""
        from timm.data import create_transform  # which imports PyTorch's compiler, as torchvision does

        from clcap_cli.features.centre_resize import with_centre_resize

        return with_centre_resize(create_transform(**self.preprocessing, is_training=False, use_prefetcher=True))

    @abstractmethod
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute pooled (B, C) and grid (B, regions, C') features of normalised images (B, 3, pixels, pixels)."""
