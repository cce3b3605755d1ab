"""Reading image files as upright RGB images, and checking their headers."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import SEEK_END, BytesIO
from typing import TypeVar

from PIL import Image, UnidentifiedImageError

from clcap_cli.errors import ClcapError, first_line_of
from clcap_cli.features.file_kinds import HEAD_SIZE, describe_content
from clcap_cli.features.image_files import ImageFile, open_file
from clcap_cli.features.image_formats import open_image
from clcap_cli.features.pixel_limit import BUDGET, decoded_pixels, max_bytes, reduce_scale
from clcap_cli.features.pixels import upright_rgb
from clcap_cli.remote_path import UnavailableError

T = TypeVar("T")
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

    Raises UnreadableImageError if it is missing, unreadable, damaged, truncated or too large.
    """
    return open_as(_unchanged, file, target_size)


def open_as(convert: Callable[[Image.Image], T], file: ImageFile, target_size: int | None = None) -> T:
    """What ``convert`` makes of the RGB image in ``file``, which is read like ``open_rgb``.

    The image counts as one that is being decoded until ``convert`` returns, so that threads together keep within the
    limit of pixels.
    """
    return decode_as(convert, read_content(file), str(file), target_size)


def read_content(file: ImageFile) -> bytes:
    """The bytes of an image file; raises UnreadableImageError if it is missing, too large or cannot be read."""
    with _image_errors(str(file)), open_file(file) as stream:
        if stream.seek(0, SEEK_END) > max_bytes():
            raise ValueError(f"its file has more than {max_bytes() // 2**20:,} MiB; scale it down")
        stream.seek(0)
        return stream.read()


def decode_rgb(content: bytes, name: str, target_size: int | None = None) -> Image.Image:
    """Decode the bytes of the image called ``name`` like ``open_rgb``."""
    return decode_as(_unchanged, content, name, target_size)


def decode_as(convert: Callable[[Image.Image], T], content: bytes, name: str, target_size: int | None = None) -> T:
    """What ``convert`` makes of the image called ``name``; see ``open_as``."""
    head = content[:HEAD_SIZE]
    with _image_errors(name, head), open_image(BytesIO(content), head) as image:
        reduce_scale(image, target_size)
        with BUDGET.reserved(decoded_pixels(image)):
            return convert(upright_rgb(image, lambda: open_image(BytesIO(content), head)))


def _unchanged(image: Image.Image) -> Image.Image:
    return image


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
    except (UnreadableImageError, UnavailableError):
        raise
    except ClcapError as error:
        raise UnreadableImageError(str(error)) from error
    except Exception as error:  # a damaged file can make Pillow raise nearly any error
        reason = _reason(error, head).replace(f" '{name}'", "")
        raise UnreadableImageError(f"{name} is not a readable image: {reason}") from error


def _reason(error: Exception, head: bytes | None) -> str:
    if head == b"":
        return "it is empty"
    if isinstance(error, UnidentifiedImageError):
        kind = describe_content(head or b"")
        return f"it is {kind}" if kind else "its content is of no known image format"
    return first_line_of(error)
