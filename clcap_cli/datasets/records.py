"""Records that all caption formats are converted to."""

from dataclasses import dataclass

ImageId = int | str


@dataclass(frozen=True, slots=True)
class CaptionRecord:
    """Captions of an image from one entry of a file; other entries may be about the same image."""

    id: ImageId
    captions: list[str]
    file_name: str | None = None
    """Name of the image file; None if the caption file does not give it."""
    split: str | None = None
    """Name of the image's split; None if the caption file does not give it."""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image of a dataset with its split and captions."""

    id: ImageId
    file_name: str
    split: str
    captions: list[str]
