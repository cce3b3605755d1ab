"""Building a dataset, images with splits and captions, from files of any known format."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from clcap_cli.datasets.caption_records import check_one_file_and_split
from clcap_cli.datasets.records import CaptionFile, CaptionRecord, ImageId, ImageRecord
from clcap_cli.datasets.split_names import RESTVAL
from clcap_cli.datasets.split_ratio import SplitRatio
from clcap_cli.datasets.splits import check_ids
from clcap_cli.datasets.text import text_flaw
from clcap_cli.errors import ClcapError


def image_records(
    files: Iterable[tuple[str | None, CaptionFile]], restval: str, division: SplitRatio | None = None
) -> list[ImageRecord]:
    """The images of all ``files``, pairs of split and file; the split is None for files that give it per image.

    ``division`` divides the images of files without splits. Images of the split "restval" are assigned to the split
    ``restval``.

    Raises ClcapError for a file that lacks file names or splits, and for two images with the same id.
    """
    images = [
        (file.path, image) for split, file in files for image in _images_of(_divided(file, division), split, restval)
    ]
    check_ids(images)
    for _, image in images:
        _check_texts(image)
    return [image for _, image in images]


def _divided(file: CaptionFile, division: SplitRatio | None) -> CaptionFile:
    """The file with a split for each image according to ``division``, if there is one."""
    if division is None:
        return file
    given = next((record.split for record in file.records if record.split is not None), None)
    if given is not None:
        raise ClcapError(f"{file.path} gives the split of each image, such as {given}; pass it without --split-ratio")
    return replace(file, records=[replace(record, split=division.split_of(record.id)) for record in file.records])


def _images_of(file: CaptionFile, file_split: str | None, restval: str) -> list[ImageRecord]:
    """The images of a file, each with all its captions; rows that repeat an earlier row exactly are left out."""
    check_one_file_and_split(file.records, file.path)
    images: dict[ImageId, ImageRecord] = {}
    for record in file.records:
        if not all(map(str.strip, record.captions)):
            raise ClcapError(f"{file.path}: {record.location}: a caption is empty")
        image = images.setdefault(record.id, _image(replace(record, captions=[]), file_split, file.path, restval))
        if not record.is_repeat:
            image.captions.extend(record.captions)
    return list(images.values())


def _image(record: CaptionRecord, file_split: str | None, path: Path, restval: str) -> ImageRecord:
    if record.file_name is None:
        raise ClcapError(f"{path} does not give the images' file names, which a dataset needs")
    if file_split is not None and record.split is not None:
        raise ClcapError(
            f"{path} gives the split of each image, such as {record.split}; pass it without --{file_split}"
        )
    split = file_split if record.split is None else record.split
    if split is None:
        raise ClcapError(
            f"{path} does not give the images' splits; pass it with --train, --val or --test, add a column split to "
            "a table, or divide the images with --split-ratio 0.8,0.1,0.1"
        )
    return ImageRecord(record.id, record.file_name, restval if split == RESTVAL else split, record.captions)


def _check_texts(image: ImageRecord) -> None:
    name, split = [image.file_name], [image.split]
    fields = {"an id": [str(image.id)], "a file name": name, "a split": split, "a caption": image.captions}
    for field, texts in fields.items():
        if any(map(text_flaw, texts)):
            raise ClcapError(f"image {image.id} ({image.file_name}) has {field} that is not valid text; fix it")
