"""The records that every data format is read into."""

from dataclasses import dataclass

ImageId = int | str


@dataclass(frozen=True, slots=True)
class CaptionRecord:
    """What a file says about an image: all of it, or one entry of several about the same image."""

    id: ImageId
    captions: list[str]
    file_name: str | None = None
    """None where the file does not tell."""
    split: str | None = None
    """None where the file does not tell."""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image of a dataset, the split it belongs to, and what people wrote about it."""

    id: ImageId
    file_name: str
    split: str
    captions: list[str]
