"""A dataset, put together from files of any known format: its images, their splits and captions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from clcap_cli.datasets.ids import mixed_type_id
from clcap_cli.datasets.readers import read_captions
from clcap_cli.datasets.records import CaptionRecord, ImageId, ImageRecord
from clcap_cli.datasets.text import text_flaw
from clcap_cli.errors import ClcapError

RESTVAL = "restval"
"""Karpathy's split of COCO's validation images that belong to neither of his own val and test."""


def image_records(files: Iterable[tuple[str | None, Path]], restval: str) -> list[ImageRecord]:
    """The images of all files; each comes with the split of its images, or None if it tells that itself.

    Images of split ``restval`` are counted to the split that ``restval`` names. All ids are text where one is, as a
    column of captions.h5 has them.

    Raises ClcapError for a file that cannot be read or does not tell what is needed, for two images with one id, and
    for an image without captions.
    """
    images = [_image(record, split, path, restval) for split, path in files for record in read_captions(path, True)]
    _check(images)
    return _with_ids_of_one_kind(images)


def _image(record: CaptionRecord, given: str | None, path: Path, restval: str) -> ImageRecord:
    if record.file_name is None:
        raise ClcapError(f"{path} does not tell the images' file names, which a dataset needs")
    if given is not None and record.split is not None:
        raise ClcapError(f"{path} has splits of its own, such as {record.split}; give it without --{given}")
    split = given if record.split is None else record.split
    if split is None:
        raise ClcapError(
            f"{path} does not tell which split its images are in; give it with --train, --val or --test, or a table "
            "the column split"
        )
    return ImageRecord(record.id, record.file_name, restval if split == RESTVAL else split, record.captions)


def _check(images: Iterable[ImageRecord]) -> None:
    seen: dict[ImageId, str] = {}
    for image in images:
        if image.id in seen:
            raise _duplicate_id_error(image, seen[image.id])
        seen[image.id] = image.file_name
        _check_texts(image)
        if not image.captions:
            raise ClcapError(f"image {image.id} ({image.file_name}) has no caption; take it out of the annotations")
    _check_kinds(seen)


def _duplicate_id_error(image: ImageRecord, name: str) -> ClcapError:
    if name == image.file_name:
        return ClcapError(f"image {image.id} ({name}) is listed twice; an image belongs to one split")
    return ClcapError(f"the images {name} and {image.file_name} have the same id, {image.id}; give each its own")


def _check_texts(image: ImageRecord) -> None:
    name, split = [image.file_name], [image.split]
    parts = {"an id": [str(image.id)], "a file name": name, "a split": split, "a caption": image.captions}
    for what, texts in parts.items():
        if any(map(text_flaw, texts)):
            raise ClcapError(f"image {image.id} ({image.file_name}) has {what} that is not valid text; mend it")


def _check_kinds(names: Mapping[ImageId, str]) -> None:
    twice = mixed_type_id(names)
    if twice is not None:
        raise ClcapError(
            f'the id of {names[twice]} is the number {twice}, that of {names[str(twice)]} the text "{twice}"; '
            "write all ids as numbers or all as text"
        )


def _with_ids_of_one_kind(images: list[ImageRecord]) -> list[ImageRecord]:
    if not any(isinstance(image.id, str) for image in images):
        return images
    return [replace(image, id=str(image.id)) for image in images]
