"""Karpathy's JSON files of COCO, Flickr8k and Flickr30k, whose splits are standard in image captioning."""

from pathlib import Path

from typing_extensions import TypedDict

from clcap_cli.datasets.cells import Captions, FileName
from clcap_cli.datasets.ids import JsonId
from clcap_cli.datasets.parsing import validated
from clcap_cli.datasets.records import CaptionRecord
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.errors import ClcapError


class _Sentence(TypedDict):
    raw: Captions


class _Image(TypedDict, total=False):
    filename: FileName
    split: str
    sentences: list[_Sentence]
    filepath: str
    cocoid: JsonId
    imgid: JsonId


class _Dataset(TypedDict):
    images: list[_Image]


REQUIRED = ("filename", "split", "sentences")


def _recognises(source: Source) -> bool:
    """Whether the file is an object with images, the first of which has the keys of a Karpathy file."""
    content = source.value
    images = content.get("images") if isinstance(content, dict) and "annotations" not in content else None
    return isinstance(images, list) and all(isinstance(image, dict) and {*REQUIRED} & {*image} for image in images[:1])


def _read(source: Source, require_images: bool) -> list[CaptionRecord]:
    """The images of a Karpathy file, including those of the split "restval".

    An image's id is its COCO id if it has one, otherwise its imgid or its index in the file.
    """
    images = validated(source.value, _Dataset, source.path, "a Karpathy dataset file")["images"]
    return [_record(image, number, source.path) for number, image in enumerate(images)]


def _record(image: _Image, number: int, path: Path) -> CaptionRecord:
    for name in REQUIRED:
        if name not in image:
            raise ClcapError(f"{path}: images.{number} has no '{name}'")
    folder = image.get("filepath")
    file_name = f"{folder}/{image['filename']}" if folder else image["filename"]
    captions = [text for sentence in image["sentences"] for text in sentence["raw"]]
    return CaptionRecord(image.get("cocoid", image.get("imgid", number)), captions, file_name, image["split"])


READER = Reader("Karpathy's datasets (JSON with images and their sentences)", _recognises, _read)
