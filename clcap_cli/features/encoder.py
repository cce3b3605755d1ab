"""What a backbone's network is: pictures go in, pooled and grid features come out."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn


class ImageEncoder(nn.Module, ABC):
    """A network without its classifier, with at least one parameter."""

    preprocessing: dict[str, Any]
    """How it is shown pictures, as timm's ``create_transform`` takes it: ``input_size`` (3, pixels, pixels), ``mean``,
    ``std``, ``interpolation``, ``crop_pct``."""
    weights: str
    """Where its weights came from, in a word."""

    @abstractmethod
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled (B, C) and grid (B, regions, C') features of normalised images (B, 3, pixels, pixels)."""
