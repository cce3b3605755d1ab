"""COCO's instance annotations: which of COCO's 80 objects are in each image."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from clcap_cli.datasets.ids import canonical_id
from clcap_cli.datasets.parsing import read_json, unique_keys, validated
from clcap_cli.datasets.records import ImageId

EXPECTED = "a file of COCO's instance annotations (such as instances_val2017.json)"
USED_KEYS = frozenset(("images", "annotations", "categories", "id", "file_name", "name", "image_id", "category_id"))


class _Image(BaseModel):
    id: int | str
    file_name: str | None = None


class _Annotation(BaseModel):
    image_id: int | str
    category_id: int


class _Category(BaseModel):
    id: int
    name: str


class _Instances(BaseModel):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


@dataclass(frozen=True)
class ImageObjects:
    """The annotated objects of images."""

    categories: dict[ImageId, frozenset[str]]
    """Names of the categories of each image's objects; empty for an image without objects."""
    file_names: dict[ImageId, str | None]


def read_image_objects(path: Path) -> ImageObjects:
    """Read the objects of all images of the file.

    Raises ClcapError if the file is missing, damaged or of another kind.
    """
    content = validated(read_json(path, EXPECTED, _without_shapes), _Instances, path, EXPECTED)
    names = {category.id: category.name for category in content.categories}
    found: dict[ImageId, set[str]] = defaultdict(set)
    for one in content.annotations:
        found[canonical_id(one.image_id)].add(names.get(one.category_id, ""))
    file_names = {canonical_id(image.id): image.file_name for image in content.images}
    return ImageObjects({id: frozenset(found[id]) for id in file_names}, file_names)


def _without_shapes(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object without its outlines, which are most of the file and would take gigabytes of memory."""
    return unique_keys([(key, value) for key, value in pairs if key in USED_KEYS])
