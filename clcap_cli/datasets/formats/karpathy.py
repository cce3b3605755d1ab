"""Karpathy's JSON files of COCO, Flickr8k and Flickr30k, whose splits are standard in image captioning."""

from typing import Any

from clcap_cli.datasets.formats.json_objects import is_list_of_objects, require_objects
from clcap_cli.datasets.records import counted
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table

SENTENCES = "sentences"
ID_KEYS = ("cocoid", "imgid")
"""Keys of an image's id; an id of COCO and an imgid of two images may be equal, so only one key is used."""


def _recognises(source: Source) -> bool:
    """Whether the file is an object with images, the first of which has sentences."""
    content = source.value
    images = content.get("images") if isinstance(content, dict) and "annotations" not in content else None
    return is_list_of_objects(images) and all(SENTENCES in image for image in (images or [])[:1])


def _read(source: Source) -> Table:
    """A row for each image, including those of the split "restval".

    An image's id is its COCO id if all images have one, otherwise its imgid, or else its index in the file.
    """
    images = require_objects(source.value["images"], "images", source.path)
    id_key = next((key for key in ID_KEYS if images and all(key in image for image in images)), None)
    without = sum("cocoid" not in image for image in images)
    notes = [f"{counted(without, 'image')} without cocoid, so an image's id is its {id_key or 'index in the file'}"]
    rows = [_row(image, image[id_key] if id_key else number, number) for number, image in enumerate(images)]
    return Table.of(source.path, rows, notes if 0 < without < len(images) else [])


def _row(image: dict[str, Any], id: object, number: int) -> Row:
    cells = {"image_id": id, "file_name": image.get("filename"), SENTENCES: image.get(SENTENCES)}
    if image.get("filepath") and isinstance(image.get("filename"), str):
        cells["file_name"] = f"{image['filepath']}/{image['filename']}"
    if "split" in image:
        cells["split"] = image["split"]
    return Row(f"images.{number}", cells, image_only=image.get(SENTENCES) == [])


READER = Reader("Karpathy's datasets", _recognises, _read)
