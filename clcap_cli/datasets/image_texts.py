"""What is said about images, by image id, in any of the files in which people keep it."""

from collections.abc import Iterable
from pathlib import Path

from clcap_cli.datasets.ids import mixed_type_id
from clcap_cli.datasets.readers import read_captions
from clcap_cli.datasets.records import CaptionRecord, ImageId
from clcap_cli.datasets.text import text_flaw
from clcap_cli.errors import ClcapError, first_few


def read_captions_by_image(path: Path) -> dict[ImageId, list[str]]:
    """All texts of each image, read from a file of any known format.

    A table has a column image_id, id or image, and a column caption or captions with a text or a list of texts.

    Raises ClcapError when the file is missing, of an unknown format, or holds no texts.
    """
    return group_by_image(read_captions(path), path)


def group_by_image(records: Iterable[CaptionRecord], path: Path) -> dict[ImageId, list[str]]:
    """The texts of each image in ``path``.

    Raises ClcapError when there are none, for one that is no valid text, for an id that is a number and a text, and
    for an id of two images.
    """
    texts: dict[ImageId, list[str]] = {}
    names: dict[ImageId, str | None] = {}
    for record in records:
        _check_text(record, path)
        if names.setdefault(record.id, record.file_name) != record.file_name:
            raise ClcapError(
                f"{path}: the images {names[record.id]} and {record.file_name} have the same id, {record.id}; give "
                "each its own"
            )
        if record.captions:
            texts.setdefault(record.id, []).extend(record.captions)
    if not texts:
        raise ClcapError(f"{path} holds no captions")
    twice = mixed_type_id(texts)
    if twice is not None:
        raise ClcapError(f'{path} has an image {twice} and an image "{twice}"; write all ids as numbers or all as text')
    return texts


def single_captions(texts: dict[ImageId, list[str]], path: Path) -> dict[ImageId, str]:
    """The one text of each image in ``path``.

    Raises ClcapError when an image has more.
    """
    twice = [id for id, group in texts.items() if len(group) > 1]
    if twice:
        raise ClcapError(f"{path} has more than one caption for {len(twice)} images: {first_few(twice)}")
    return {id: text for id, (text,) in texts.items()}


def _check_text(record: CaptionRecord, path: Path) -> None:
    for text in record.captions:
        if flaw := text_flaw(text):
            raise ClcapError(f"{path}: the caption of image {record.id} {flaw}")
    if flaw := text_flaw(str(record.id)):
        raise ClcapError(f"{path}: the id {record.id} {flaw}")
