"""Thumbnails of images for the report page."""

import base64
import io
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from clcap_cli.console import print_warning, progress
from clcap_cli.datasets.records import ImageId
from clcap_cli.features.image_files import ImageFile
from clcap_cli.features.images import UnreadableImageError, open_as

SIDE = 160
"""Length of a thumbnail's longer side in pixels."""
QUALITY = 60


def thumbnails(files: Mapping[ImageId, ImageFile]) -> dict[ImageId, str]:
    """Each image as a small WebP file in base64; unreadable images are left out with a message that names the first."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        pictures = list(progress(threads.map(_thumbnail, files.values()), len(files), "thumbnails"))
    bad = [str(picture) for picture in pictures if isinstance(picture, UnreadableImageError)]
    if bad:
        print_warning(f"{len(bad)} of {len(files)} images are left out; {bad[0]}")
    return {id: picture for id, picture in zip(files, pictures, strict=True) if isinstance(picture, str)}


def _thumbnail(file: ImageFile) -> str | UnreadableImageError:
    try:
        return open_as(_webp, file, SIDE)
    except UnreadableImageError as error:
        return error


def _webp(image: Image.Image) -> str:
    """A small version of an image as a WebP file in base64."""
    image.thumbnail((SIDE, SIDE))
    content = io.BytesIO()
    image.save(content, "WEBP", quality=QUALITY, method=2)  # the default, 4, takes 50% longer
    return base64.b64encode(content.getvalue()).decode()
