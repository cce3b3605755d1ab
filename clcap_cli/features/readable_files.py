"""The files of listed images: found in folders and archives, and checked before the work starts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from clcap_cli.console import print_info
from clcap_cli.datasets.records import ImageId
from clcap_cli.features.image_check import SkippedImages, check_headers
from clcap_cli.features.image_files import ImageFile
from clcap_cli.features.image_finder import FoundImages, find_images, open_stores


def find_files(folders: Sequence[Path], names: Mapping[ImageId, str]) -> FoundImages[ImageId]:
    """The files of images in folders and archives, by their file names; says what was matched in another way."""
    found = find_images(open_stores(folders), names)
    if note := found.note():
        print_info(note)
    return found


def readable_files(
    folders: Sequence[Path], names: Mapping[ImageId, str], skipped: SkippedImages
) -> dict[ImageId, ImageFile]:
    """The files of the images whose header can be read; the others are added to ``skipped``.

    Raises ClcapError for images that are not to be skipped.
    """
    found = find_files(folders, names)
    skipped.reasons |= found.missing
    readable = check_headers(found.files, skipped)
    skipped.raise_unless_usable()
    return readable
