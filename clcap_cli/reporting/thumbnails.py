"""Thumbnails of images for the report page."""

import base64
import io
import math
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from PIL import Image

from clcap_cli.console import print_warning, progress
from clcap_cli.datasets.records import ImageId
from clcap_cli.features.image_files import ImageFile
from clcap_cli.features.images import UnreadableImageError, open_as

MIN_SIDE, MAX_SIDE = 160, 512
"""Smallest and largest length of the longer side in pixels."""
QUALITY = 60
BUDGET = 12 * 2**20
"""Size that all thumbnails of a page should not exceed in bytes, unless those of the smallest length do."""
BYTES_PER_PIXEL = 0.2
"""Size of a photograph as WebP in base64 at this quality; some have more."""


def thumbnails(files: Mapping[ImageId, ImageFile]) -> dict[ImageId, str]:
    """Each image as a small WebP file in base64; unreadable images are left out with a message that names the first."""
    smaller = partial(_thumbnail, side=side_of(len(files)))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        pictures = list(progress(threads.map(smaller, files.values()), len(files), "thumbnails"))
    bad = [str(picture) for picture in pictures if isinstance(picture, UnreadableImageError)]
    if bad:
        print_warning(f"{len(bad)} of {len(files)} images are left out; {bad[0]}")
    return {id: picture for id, picture in zip(files, pictures, strict=True) if isinstance(picture, str)}


def side_of(images: int) -> int:
    """The length of the longer side of each thumbnail in pixels: the smaller, the more images there are."""
    side = math.sqrt(BUDGET / BYTES_PER_PIXEL / max(1, images))
    return round(min(max(side, MIN_SIDE), MAX_SIDE))


def _thumbnail(file: ImageFile, side: int) -> str | UnreadableImageError:
    try:
        return open_as(partial(_webp, side=side), file, side)
    except UnreadableImageError as error:
        return error


def _webp(image: Image.Image, side: int) -> str:
    """A small version of an image as a WebP file in base64."""
    image.thumbnail((side, side))
    content = io.BytesIO()
    image.save(content, "WEBP", quality=QUALITY, method=2)  # the default, 4, takes 50% longer
    return base64.b64encode(content.getvalue()).decode()
