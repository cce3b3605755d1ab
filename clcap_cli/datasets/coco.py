"""COCO captions files, read with pycocotools."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from typing_extensions import TypedDict

from clcap_cli.datasets.cells import Captions, FileName
from clcap_cli.datasets.ids import JsonId, mixed_type_id
from clcap_cli.datasets.parsing import validated
from clcap_cli.datasets.records import CaptionRecord, ImageId
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.errors import ClcapError


class _Image(TypedDict):
    id: JsonId
    file_name: FileName


class _Annotation(TypedDict):
    id: int
    image_id: JsonId
    caption: Captions


class _Dataset(TypedDict):
    images: list[_Image]
    annotations: list[_Annotation]


def _recognises(source: Source) -> bool:
    return isinstance(source.value, dict) and "annotations" in source.value


def _read(source: Source, require_images: bool) -> list[CaptionRecord]:
    """The images of a captions file, whose split it does not give.

    Raises ClcapError for two images with the same id, and for an annotation whose image is not listed.
    """
    from pycocotools.coco import COCO

    coco, path = COCO(), source.path
    coco.dataset = validated(source.value, _Dataset, path, "a COCO captions file")
    _check_ids(coco.dataset["images"], path)  # createIndex would silently drop all but the last image with an id
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    _check_images_exist(coco.imgToAnns, coco.imgs, path)
    return [
        CaptionRecord(
            id, [text for annotation in coco.imgToAnns[id] for text in annotation["caption"]], image["file_name"]
        )
        for id, image in coco.imgs.items()
    ]


def _check_ids(images: Sequence[_Image], path: Path) -> None:
    names: dict[ImageId, str] = {}
    for image in images:
        id, name = image["id"], image["file_name"]
        if id in names:
            raise ClcapError(
                f"{path}: the images {names[id]} and {name} have the same id, {id}; give each image its own id"
            )
        names[id] = name


def _check_images_exist(annotated: Mapping[ImageId, object], images: Mapping[ImageId, object], path: Path) -> None:
    missing = [id for id in annotated if id not in images]
    if not missing:
        return
    if mixed_type_id([missing[0], *images]) is not None:
        kinds = ("numbers", "text") if isinstance(missing[0], str) else ("text", "numbers")
        raise ClcapError(
            f"{path}: the images' ids are {kinds[0]}, but the annotations' image_id is {kinds[1]}, first for image "
            f"{missing[0]}; use the same type for both"
        )
    raise ClcapError(
        f"{path}: {len(missing)} of the annotated images are not listed under 'images', the first is {missing[0]}; "
        "is the file complete?"
    )


READER = Reader("COCO captions (JSON with images and annotations)", _recognises, _read)
