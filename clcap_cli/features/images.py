"""Finding image files and reading them as upright RGB images."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from clcap_cli.errors import ClcapError
from clcap_cli.input_files import check_readable, is_file

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"})

ImageInput = Path | Image.Image
"""An image file or an opened image."""


class UnreadableImageError(ClcapError):
    """An image file that is missing, damaged, or cannot be read."""


def open_rgb(path: Path, target_size: int | None = None) -> Image.Image:
    """Read an image as RGB, rotated according to its EXIF orientation, with transparency on white.

    If the image will be resized to ``target_size`` pixels, a large JPEG is decoded at a half, a quarter or an eighth of
    its size, which is faster; at least twice the target size is kept for the quality of the resizing.

    Raises UnreadableImageError if it is missing, unreadable, damaged or truncated.
    """
    with _image_errors(str(path)):
        check_readable(path)
        with Image.open(path) as image:
            if target_size:
                image.draft(None, (2 * target_size, 2 * target_size))
            return _rgb(ImageOps.exif_transpose(image))


def as_rgb(image: Image.Image) -> Image.Image:
    """Convert an opened image to upright RGB, like ``open_rgb``.

    Raises UnreadableImageError if it is damaged, truncated or closed.
    """
    with _image_errors(str(getattr(image, "filename", "") or image)):
        return _rgb(ImageOps.exif_transpose(image))


@contextmanager
def _image_errors(name: str) -> Iterator[None]:
    """Convert every error in the block to an UnreadableImageError about the image called ``name``."""
    try:
        yield
    except ClcapError as error:
        raise UnreadableImageError(str(error)) from error
    except Exception as error:  # a damaged file can make Pillow raise nearly any error
        reason = (str(error) or type(error).__name__).splitlines()[0].replace(f" '{name}'", "")
        raise UnreadableImageError(f"{name} is not a readable image: {reason}") from error


def _rgb(image: Image.Image) -> Image.Image:
    if 0 in image.size:
        raise ValueError("it has no pixels")
    if image.mode == "F" or image.mode.startswith("I"):
        return _scale_grey(np.asarray(image, dtype=np.float64)).convert("RGB")
    if image.has_transparency_data:
        foreground = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", foreground.size, "white"), foreground).convert("RGB")
    return image.convert("RGB")


def _scale_grey(values: np.ndarray) -> Image.Image:
    """Scale grey values of unknown range, from black for the minimum to white for the maximum.

    Raises ValueError if a value is not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("it has values that are not finite numbers")
    minimum = values.min()
    span = values.max() - minimum
    scaled = (values - minimum) / span if span else np.full_like(values, 0.5)
    return Image.fromarray(np.rint(255 * scaled).astype(np.uint8))


def find_image(folders: list[Path], file_name: str) -> Path:
    """The path of ``file_name``, which may include subfolders, in one of ``folders``.

    If the file does not exist, its path in the first folder is returned, and opening it will fail.

    Raises ClcapError if the name leads out of the folder or exists in two folders.
    """
    if leaves_folder(file_name):
        raise ClcapError(f"the image name '{file_name}' leads out of the image folder")
    candidates = [folder / file_name for folder in folders]
    existing = [path for path in candidates if is_file(path)]
    if len(existing) > 1:
        raise ClcapError(
            f"there are two images '{file_name}': {existing[0]} and {existing[1]}; remove one of the folders"
        )
    return existing[0] if existing else candidates[0]


def leaves_folder(file_name: str) -> bool:
    """Whether a relative path leads out of the folder that it is relative to."""
    return Path(file_name).is_absolute() or ".." in Path(file_name).parts
