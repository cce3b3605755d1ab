"""The one record that every data format is read into."""

from dataclasses import dataclass

ImageId = int | str


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image, the split it belongs to, and what people wrote about it."""

    id: ImageId
    file_name: str
    split: str
    captions: list[str]
