"""Images as they are given from Python: paths or open images, one or several."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from PIL import Image

from clcap_cli.features.images import ImageInput
from clcap_cli.input_files import check_readable

ImageLike = str | PathLike[str] | Image.Image
"""The path of an image file, or an image of Pillow."""
_SINGLE = (str, bytes, PathLike, Image.Image)


def is_single(given: object) -> bool:
    """Whether one image was given rather than several."""
    return isinstance(given, _SINGLE)


def images_of(given: ImageLike | Iterable[ImageLike]) -> list[ImageInput]:
    """The images, of which each file is there and may be read.

    Raises ClcapError for a file that is not, and TypeError for anything else than paths and images.
    """
    if is_single(given):
        return [image_of(given)]
    if not isinstance(given, Iterable):
        raise TypeError(f"images must be a path, a PIL image, or several of these, not {type(given).__name__}")
    return [image_of(one) for one in given]


def image_of(given: object) -> ImageInput:
    """One image; see ``images_of``."""
    if isinstance(given, Image.Image):
        return given
    if not isinstance(given, str | PathLike):
        raise TypeError(
            f"an image must be a path or a PIL image, not {type(given).__name__}; PIL.Image.fromarray makes one of an "
            "array"
        )
    path = Path(given)
    check_readable(path)
    return path
