"""The files of listed images: found in folders and archives, and checked before the work starts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from clcap_cli.console import print_info
from clcap_cli.datasets.records import ImageId
from clcap_cli.features.image_check import SkippedImages, check_headers
from clcap_cli.features.image_files import ImageFile, in_order_of_reading
from clcap_cli.features.image_finder import FoundImages, find_images, open_stores


def find_files(folders: Sequence[Path], names: Mapping[ImageId, str]) -> FoundImages[ImageId]:
    """The files of images in folders and archives, by their file names; says what was matched in another way."""
    found = find_images(open_stores(folders), names)
    if note := found.note():
        print_info(note)
    return found


def readable_files(
    folders: Sequence[Path], names: Mapping[ImageId, str], skipped: SkippedImages, check_remote: bool = True
) -> dict[ImageId, ImageFile]:
    """The files of the images whose header can be read, those of archives in the order in which they are stored.

    The others are added to ``skipped``. Files in object stores are only checked if ``check_remote`` says so, because
    that reads them as a whole. Raises ClcapError for images that are not to be skipped.
    """
    found = find_files(folders, names)
    skipped.reasons |= found.missing
    readable = check_headers(in_order_of_reading(found.files), skipped, check_remote)
    skipped.raise_unless_usable()
    return readable
