"""Where features come from: the record that features and the models trained on them carry."""

import math
from typing import Any, Literal

from pydantic import BaseModel, PositiveFloat, PositiveInt


class _BaseInfo(BaseModel, frozen=True, extra="forbid"):
    """What both kinds of record can do."""

    def differences(self, other: "FeatureInfo") -> list[str]:
        """The names of what differs between the two, of what a model depends on."""
        mine, theirs = self.identity(), other.identity()
        return [name for name in mine if mine[name] != theirs.get(name)]

    def identity(self) -> dict[str, Any]:
        """What features must have in common for one model to read both."""
        raise NotImplementedError


class BackboneInfo(_BaseInfo, frozen=True):
    """Which network made features, from which weights, and how it was shown the images."""

    name: str
    weights: str
    """Where the weights came from: 'bundled', 'timm', 'random' or a file's name."""
    weights_id: str
    """Digest of the weights themselves."""
    image_size: PositiveInt
    """Pixels; images are scaled and cropped to a square of this side."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    crop_pct: PositiveFloat
    regions: PositiveInt
    grid_channels: PositiveInt
    pooled_channels: PositiveInt

    def identity(self) -> dict[str, Any]:
        """All but where the weights were found."""
        return self.model_dump(exclude={"weights"})

    @property
    def description(self) -> str:
        """In a few words."""
        return f"{self.name} ({self.weights} weights), {self.image_size} pixels"

    @property
    def resized_to(self) -> int:
        """Pixels of an image's shorter side before the square is cut out."""
        return math.floor(self.image_size / self.crop_pct)

    def bytes_per_image(self) -> int:
        """Size of one image's features in the file."""
        return 2 * (self.regions * self.grid_channels + self.pooled_channels)


class ImportedInfo(_BaseInfo, frozen=True):
    """Region features that another program made."""

    name: str
    """Of the file or folder that they were in."""
    imported: Literal[True] = True
    regions: PositiveInt
    """The most that an image has."""
    grid_channels: PositiveInt
    pooled_channels: PositiveInt

    def identity(self) -> dict[str, Any]:
        """The number of channels: nothing is known of the network that made them."""
        return self.model_dump(include={"imported", "grid_channels", "pooled_channels"})

    @property
    def description(self) -> str:
        """In a few words."""
        return f"imported from {self.name}, at most {self.regions} regions an image"


FeatureInfo = BackboneInfo | ImportedInfo


def info_class(record: object) -> type[FeatureInfo]:
    """Which kind of record plain data are."""
    return ImportedInfo if isinstance(record, dict) and "imported" in record else BackboneInfo
