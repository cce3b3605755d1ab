"""The origin of features: a record stored in feature files and in the models trained on them."""

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

MAX_IMAGE_SIZE = 4096
"""Maximum side in pixels of the images that a network gets; the memory that it takes grows with the square."""
Size = Annotated[int, Field(gt=0, le=2**24)]
"""Number of regions or channels, limited like the sizes of models."""


class _BaseInfo(BaseModel, frozen=True, extra="forbid"):
    """Base class of both kinds of records."""

    def differences(self, other: "FeatureInfo") -> list[str]:
        """Names of the fields in ``identity`` whose values differ from those of ``other``."""
        other_identity = other.identity()
        return [name for name, value in self.identity().items() if value != other_identity.get(name)]

    def identity(self) -> dict[str, Any]:
        """The fields that must be equal in two feature files for one model to be able to use both."""
        raise NotImplementedError


class BackboneInfo(_BaseInfo, frozen=True):
    """The network that computed features, its weights, and its preprocessing of images."""

    name: str
    weights: str
    """Origin of the weights: 'bundled', 'timm', 'random', 'fine-tuned' or the name of a file."""
    weights_id: str
    """Digest of the weights' values."""
    image_size: Annotated[int, Field(gt=0, le=MAX_IMAGE_SIZE)]
    """Side in pixels of the square to which images are resized and cropped."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    crop_pct: Annotated[float, Field(ge=0.01, le=100)]
    regions: Size
    grid_channels: Size
    pooled_channels: Size
    processor: dict[str, JsonValue] | None = None
    """The image processor of Hugging Face that prepares images; None for timm's preprocessing."""

    @model_serializer(mode="wrap")
    def _without_absent_processor(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The fields without a processor of None, so that records stay as earlier versions wrote them."""
        return {name: value for name, value in handler(self).items() if name != "processor" or value is not None}

    def identity(self) -> dict[str, Any]:
        """All fields except the origin of the weights."""
        return self.model_dump(exclude={"weights"})

    @property
    def description(self) -> str:
        """Short description for messages."""
        return f"{self.name} ({self.weights} weights), {self.image_size} pixels"

    @property
    def resized_to(self) -> int | None:
        """Length in pixels of an image's shorter side before it is cropped; None if a processor decides."""
        return None if self.processor else math.floor(self.image_size / self.crop_pct)

    def bytes_per_image(self) -> int:
        """Size in bytes of one image's features in the file."""
        return 2 * (self.regions * self.grid_channels + self.pooled_channels)


class ImportedInfo(_BaseInfo, frozen=True):
    """Region features that another program computed."""

    name: str
    """Name of the file or folder from which they were imported."""
    imported: Literal[True] = True
    regions: Size
    """Largest number of regions of an image."""
    grid_channels: Size
    pooled_channels: Size

    def identity(self) -> dict[str, Any]:
        """The numbers of channels; the network that computed the features is unknown."""
        return self.model_dump(include={"imported", "grid_channels", "pooled_channels"})

    @property
    def description(self) -> str:
        """Short description for messages."""
        return f"imported from {self.name}, at most {self.regions} regions per image"


FeatureInfo = BackboneInfo | ImportedInfo


def info_class(record: object) -> type[FeatureInfo]:
    """The class of a record that was read from a file."""
    return ImportedInfo if isinstance(record, dict) and "imported" in record else BackboneInfo
