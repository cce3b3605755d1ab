"""COCO captions files, which list images and their annotations separately, read with pycocotools."""

import contextlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from clcap_cli.datasets.formats.json_objects import require_objects
from clcap_cli.datasets.ids import parse_id, without_leading_zeros
from clcap_cli.datasets.records import counted
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table
from clcap_cli.errors import ClcapError, first_few

LISTS_WITHOUT_ANNOTATIONS = ("licenses", "categories", "info")
"""Keys beside the images of a COCO file that lists images without captions, such as image_info_test2014.json."""
UNUSABLE = ("is_rejected", "is_precanned")
"""Keys of VizWiz's annotations that mark spam and a stock phrase about the image's quality; VizWiz's own evaluation
leaves both out."""


def _recognises(source: Source) -> bool:
    content = source.value
    if not isinstance(content, dict) or "images" not in content:
        return False
    return "annotations" in content or any(key in content for key in LISTS_WITHOUT_ANNOTATIONS)


def _read(source: Source) -> Table:
    """A row for each usable annotation, with its image's file name, and one for each image without annotations.

    Raises ClcapError for two images with the same id, and for an annotation whose image is not listed.
    """
    from pycocotools.coco import COCO

    path, coco = source.path, COCO()
    images = _images(source.value["images"], path)
    annotations = [
        _annotation(entry, number, path)
        for number, entry in enumerate(require_objects(source.value.get("annotations", []), "annotations", path))
    ]
    if annotations and not any("caption" in annotation for annotation in annotations):
        raise ClcapError(
            f"{path}: no annotation has a caption; their keys are {first_few(list(source.value['annotations'][0]))}. "
            "Captions of COCO are in files such as captions_train2017.json"
        )
    coco.dataset = {"images": list(images.values()), "annotations": annotations}
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    _check_images_exist([annotation["image_id"] for annotation in annotations], images, path)
    rows = [row for id, image in images.items() for row in _rows(image, coco.imgToAnns[id])]
    columns = ["image_id", "file_name", "caption"] if _has_names(images) else ["image_id", "caption"]
    return Table(path, columns, rows, _notes(images.keys(), coco.imgToAnns))


def _images(entries: object, path: Path) -> dict[int | str, dict[str, Any]]:
    """The images by id, each with its place in the file."""
    images: dict[int | str, dict[str, Any]] = {}
    for number, image in enumerate(require_objects(entries, "images", path)):
        place = f"images.{number}"
        id = _id(image, "id", place, path)
        if id in images:  # pycocotools would silently drop all but the last image with an id
            raise ClcapError(
                f"{path}: the images {images[id].get('file_name')} and {image.get('file_name')} have the same id, "
                f"{id}; give each image its own id"
            )
        images[id] = {**image, "id": id, "place": place}
    return images


def _annotation(entry: dict[str, Any], number: int, path: Path) -> dict[str, Any]:
    """An annotation whose id is its place in the file; files may lack ids or repeat them."""
    image_id = _id(entry, "image_id", f"annotations.{number}", path)
    return {**entry, "id": number, "own_id": entry.get("id", number), "image_id": image_id}


def _rows(image: dict[str, Any], annotations: list[dict[str, Any]]) -> list[Row]:
    shared = {"image_id": image["id"], **({"file_name": image["file_name"]} if "file_name" in image else {})}
    if not annotations:
        return [Row(image["place"], shared, image_only=True)]
    return [
        Row(
            f"annotations.{annotation['id']}",
            {**shared, "caption": annotation.get("caption"), "annotation": annotation["own_id"]},
        )
        for annotation in annotations
        if _is_usable(annotation)
    ]


def _is_usable(annotation: dict[str, Any]) -> bool:
    return not any(annotation.get(mark) is True for mark in UNUSABLE)


def _notes(ids: Iterable[int | str], annotations: dict[int | str, list[dict[str, Any]]]) -> list[str]:
    """How many captions were left out, and how many images with them."""
    usable = {id: list(map(_is_usable, annotations[id])) for id in ids}
    captions = sum(group.count(False) for group in usable.values())
    images = sum(bool(group) and not any(group) for group in usable.values())
    left_out = f"left out: {counted(captions, 'caption')} marked {' or '.join(UNUSABLE)}"
    return [left_out + (f", with {counted(images, 'image')} without others" if images else "")] if captions else []


def _id(entry: dict[str, Any], name: str, place: str, path: Path) -> int | str:
    try:
        return parse_id(entry.get(name))
    except ValueError as error:
        raise ClcapError(f"{path}: {place}, '{name}': {error}") from error


def _has_names(images: dict[int | str, dict[str, Any]]) -> bool:
    return any("file_name" in image for image in images.values())


def _check_images_exist(annotated: list[int | str], images: dict[int | str, Any], path: Path) -> None:
    missing = list(dict.fromkeys(id for id in annotated if id not in images))
    if missing:
        listed = set(map(without_leading_zeros, images))
        zeros = any(without_leading_zeros(id) in listed for id in missing)
        advice = "leading zeros differ; write the ids alike in both lists" if zeros else "is the file complete?"
        raise ClcapError(
            f"{path}: {len(missing)} of the annotated images are not listed under 'images': {first_few(missing)}; "
            f"{advice}"
        )


READER = Reader("COCO captions", _recognises, _read)
