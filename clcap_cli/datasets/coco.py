"""COCO's own captions files, read through pycocotools."""

import contextlib
import io
from pathlib import Path

from typing_extensions import TypedDict

from clcap_cli.datasets.reading import checked
from clcap_cli.datasets.records import ImageId, ImageRecord
from clcap_cli.errors import ClcapError


class _Image(TypedDict):
    id: ImageId
    file_name: str


class _Annotation(TypedDict):
    id: int
    image_id: ImageId
    caption: str


class _Dataset(TypedDict):
    images: list[_Image]
    annotations: list[_Annotation]


def coco_records(data: object, path: Path, split: str) -> list[ImageRecord]:
    """The images of one captions file, all counted to ``split``.

    Raises ClcapError for an annotation whose image the file does not list.
    """
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = checked(data, _Dataset, path, "a COCO captions file")
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    _check_images_exist(coco.imgToAnns, coco.imgs, path)
    return [
        ImageRecord(id, image["file_name"], split, [note["caption"] for note in coco.imgToAnns[id]])
        for id, image in coco.imgs.items()
    ]


def _check_images_exist(annotated: dict[ImageId, object], images: dict[ImageId, object], path: Path) -> None:
    missing = [id for id in annotated if id not in images]
    if missing:
        raise ClcapError(
            f"{path}: {len(missing)} of the annotated images are not listed under 'images', the first is {missing[0]}; "
            "is the file whole?"
        )
