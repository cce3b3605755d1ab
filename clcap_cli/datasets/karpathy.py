"""Karpathy's dataset JSON: COCO, Flickr8k and Flickr30k with the splits that the field reports on."""

from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from clcap_cli.datasets.coco import Captions
from clcap_cli.datasets.ids import GivenId
from clcap_cli.datasets.reading import checked
from clcap_cli.datasets.records import ImageRecord
from clcap_cli.errors import ClcapError


class _Sentence(TypedDict):
    raw: Captions


class _Image(TypedDict, total=False):
    filename: str
    split: str
    sentences: list[_Sentence]
    filepath: str
    cocoid: GivenId
    imgid: GivenId


class _Dataset(TypedDict):
    images: list[_Image]


def is_karpathy(data: Any) -> bool:
    """Whether parsed JSON has the shape of Karpathy's files rather than COCO's."""
    return isinstance(data, dict) and "images" in data and "annotations" not in data


def karpathy_records(data: object, path: Path, restval: str) -> list[ImageRecord]:
    """The images of a Karpathy file; those of split ``restval`` are counted to the split that ``restval`` names.

    An image's id is its COCO id where it has one, else its running number in the file.
    """
    images = checked(data, _Dataset, path, "a Karpathy dataset file")["images"]
    return [_record(image, number, path, restval) for number, image in enumerate(images)]


def _record(image: _Image, number: int, path: Path, restval: str) -> ImageRecord:
    for name in ("filename", "split", "sentences"):
        if name not in image:
            raise ClcapError(f"{path}: images.{number} has no '{name}'")
    split = restval if image["split"] == "restval" else image["split"]
    folder = image.get("filepath")
    file_name = f"{folder}/{image['filename']}" if folder else image["filename"]
    id = image.get("cocoid", image.get("imgid", number))
    return ImageRecord(id, file_name, split, [text for sentence in image["sentences"] for text in sentence["raw"]])
