"""Captions by image id, read from files of any known format."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from clcap_cli.datasets.file_names import normal_path
from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.readers import read_captions
from clcap_cli.datasets.records import CaptionFile, CaptionRecord, ImageId
from clcap_cli.datasets.text import text_flaw
from clcap_cli.errors import ClcapError, first_few


@dataclass(frozen=True)
class ImageCaptions:
    """The captions in a file and the images that it lists."""

    captions: dict[ImageId, list[str]]
    """Captions of each image that has any."""
    file_names: dict[ImageId, str | None]
    """File name of each image; None if the file does not give it."""
    file: CaptionFile
    """What the file contains."""


def read_captions_by_image(path: Path) -> dict[ImageId, list[str]]:
    """The captions of each image, without the images' file names; see ``read_image_captions``."""
    return read_image_captions(path).captions


def read_image_captions(path: Path, options: ReadOptions = ReadOptions()) -> ImageCaptions:
    """The captions and file names of each image, read from a file of any known format.

    Rows that repeat an earlier row exactly are left out. Raises ClcapError if the file is missing, of an unknown
    format, or contains no captions.
    """
    return _by_image(read_captions(path, options), lambda record: not record.is_repeat)


def read_predictions(path: Path, options: ReadOptions = ReadOptions()) -> ImageCaptions:
    """Like ``read_image_captions``, but equal captions of an image are kept where all images have the same number.

    These are samples; elsewhere, programs that run on several GPUs write padded images twice.
    """
    file = read_captions(path, options)
    numbers = set(Counter(record.id for record in file.records).values())
    return _by_image(file, lambda record: len(numbers) == 1 or not record.is_repeat)


def _by_image(file: CaptionFile, is_kept: Callable[[CaptionRecord], bool]) -> ImageCaptions:
    captions = group_by_image(filter(is_kept, file.records), file.path)
    return ImageCaptions(captions, {record.id: record.file_name for record in file.records}, file)


def group_by_image(records: Iterable[CaptionRecord], path: Path) -> dict[ImageId, list[str]]:
    """Group the captions of ``records``, read from ``path``, by image.

    Raises ClcapError if there are none, for invalid text, and for an id that two images share.
    """
    captions: dict[ImageId, list[str]] = {}
    names: dict[ImageId, str | None] = {}
    for record in records:
        _check_text(record, path)
        first = names.setdefault(record.id, record.file_name)
        if first != record.file_name and normal_path(first or "") != normal_path(record.file_name or ""):
            raise ClcapError(
                f"{path}: the images {first} and {record.file_name} have the same id, {record.id}; give "
                "each image its own id"
            )
        if record.captions:
            captions.setdefault(record.id, []).extend(record.captions)
    if not captions:
        raise ClcapError(f"{path} contains no captions")
    return captions


def single_captions(captions: dict[ImageId, list[str]], path: Path) -> dict[ImageId, str]:
    """The only caption of each image in ``path``.

    Raises ClcapError if an image has several.
    """
    several = [id for id, group in captions.items() if len(group) > 1]
    if several:
        raise ClcapError(f"{path} has more than one caption for {len(several)} images: {first_few(several)}")
    return {id: caption for id, (caption,) in captions.items()}


def _check_text(record: CaptionRecord, path: Path) -> None:
    for text in record.captions:
        if flaw := text_flaw(text):
            raise ClcapError(f"{path}: the caption of image {record.id} {flaw}")
    if flaw := text_flaw(str(record.id)):
        raise ClcapError(f"{path}: the id {record.id} {flaw}")
