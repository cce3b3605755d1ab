"""Reading image files as upright RGB images, and checking their headers."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from clcap_cli.errors import ClcapError
from clcap_cli.features.file_kinds import HEAD_SIZE, describe_content
from clcap_cli.features.image_files import ImageFile, open_file
from clcap_cli.features.image_formats import open_image
from clcap_cli.features.pixels import upright_rgb

ImageInput = ImageFile | Image.Image
"""An image file or an opened image."""
SINGLE_PICTURE_FORMATS = frozenset({"MPO", "PSD"})
"""Formats whose further frames are previews or layers of the first."""

# Pillow warns of damaged metadata, which do not matter here, and of images that are large but not too large to read.
warnings.filterwarnings("ignore", module="PIL")


class UnreadableImageError(ClcapError):
    """An image file that is missing, damaged, or cannot be read."""


def open_rgb(file: ImageFile, target_size: int | None = None) -> Image.Image:
    """Read an image as RGB, rotated according to its EXIF orientation, with transparency on white.

    If the image will be resized to ``target_size`` pixels, a large JPEG is decoded at a half, a quarter or an eighth of
    its size, which is faster; at least twice the target size is kept for the quality of the resizing.

    Raises UnreadableImageError if it is missing, unreadable, damaged or truncated.
    """
    return decode_rgb(read_content(file), str(file), target_size)


def read_content(file: ImageFile) -> bytes:
    """The bytes of an image file; raises UnreadableImageError if it is missing or cannot be read."""
    with _image_errors(str(file)), open_file(file) as stream:
        return stream.read()


def decode_rgb(content: bytes, name: str, target_size: int | None = None) -> Image.Image:
    """Decode the bytes of the image called ``name`` like ``open_rgb``."""
    head = content[:HEAD_SIZE]
    with _image_errors(name, head), open_image(BytesIO(content), head) as image:
        if target_size:
            image.draft(None, (2 * target_size, 2 * target_size))
        return upright_rgb(image, lambda: open_image(BytesIO(content), head))


def as_rgb(image: Image.Image) -> Image.Image:
    """Convert an opened image to upright RGB, like ``open_rgb``.

    Raises UnreadableImageError if it is damaged, truncated or closed.
    """
    with _image_errors(str(getattr(image, "filename", "") or image)):
        return upright_rgb(image)


def has_several_frames(file: ImageFile) -> bool:
    """Whether an image is animated or has several pages; reads only its header.

    Raises UnreadableImageError if the file is missing, unreadable, too large, or not an image.
    """
    with _image_errors(str(file)), open_file(file) as stream:
        head = stream.read(HEAD_SIZE)
        stream.seek(0)
        with _image_errors(str(file), head), open_image(stream, head) as image:
            return image.format not in SINGLE_PICTURE_FORMATS and _is_animated(image)


def _is_animated(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # damaged data after the first frame make Pillow raise nearly any error
        return False


@contextmanager
def _image_errors(name: str, head: bytes | None = None) -> Iterator[None]:
    """Convert every error in the block to an UnreadableImageError about the image called ``name``."""
    try:
        yield
    except UnreadableImageError:
        raise
    except ClcapError as error:
        raise UnreadableImageError(str(error)) from error
    except Exception as error:  # a damaged file can make Pillow raise nearly any error
        reason = _reason(error, head).replace(f" '{name}'", "")
        raise UnreadableImageError(f"{name} is not a readable image: {reason}") from error


def _reason(error: Exception, head: bytes | None) -> str:
    if head == b"":
        return "it is empty"
    if isinstance(error, Image.DecompressionBombError):
        pixels, maximum = (int(number) for number in re.findall(r"[0-9]+", str(error))[:2])
        return f"it has {pixels:,} pixels, more than the maximum of {maximum:,}; scale it down"
    if isinstance(error, UnidentifiedImageError):
        kind = describe_content(head or b"")
        return f"it is {kind}" if kind else "its content is of no known image format"
    return (str(error) or type(error).__name__).splitlines()[0]
