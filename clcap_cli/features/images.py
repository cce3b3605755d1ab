"""Image files of any kind -> upright RGB pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from clcap_cli.errors import ClcapError
from clcap_cli.input_files import check_readable, is_file

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"})

ImageInput = Path | Image.Image
"""An image file, or an image that is open already."""


class UnreadableImageError(ClcapError):
    """An image file that is missing, damaged, or cannot be read."""


def open_rgb(path: Path, needed: int | None = None) -> Image.Image:
    """Read an image, turn it upright as its EXIF says, and make it RGB; transparency becomes white.

    Where it will be scaled down to ``needed`` pixels anyway, a large JPEG is decoded at a half, a quarter or an eighth
    of its size, which takes less time; at least twice the pixels needed are left for the scaling to work on.

    Raises UnreadableImageError when it is missing, cannot be read, or is damaged or cut short.
    """
    with _image_errors(str(path)):
        check_readable(path)
        with Image.open(path) as image:
            if needed:
                image.draft(None, (2 * needed, 2 * needed))
            return _rgb(ImageOps.exif_transpose(image))


def as_rgb(image: Image.Image) -> Image.Image:
    """A copy of an open image, upright and RGB as ``open_rgb`` makes it.

    Raises UnreadableImageError when it is damaged, cut short, or closed.
    """
    with _image_errors(str(getattr(image, "filename", "") or image)):
        return _rgb(ImageOps.exif_transpose(image))


@contextmanager
def _image_errors(name: str) -> Iterator[None]:
    """Raise UnreadableImageError for whatever goes wrong with the image called ``name``."""
    try:
        yield
    except ClcapError as error:
        raise UnreadableImageError(str(error)) from error
    except Exception as error:  # a damaged file can make Pillow raise nearly anything
        reason = (str(error) or type(error).__name__).splitlines()[0].replace(f" '{name}'", "")
        raise UnreadableImageError(f"{name} is not a readable image: {reason}") from error


def _rgb(image: Image.Image) -> Image.Image:
    if 0 in image.size:
        raise ValueError("it has no pixels")
    if image.mode == "F" or image.mode.startswith("I"):
        return _scale_grey(np.asarray(image, dtype=np.float64)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _scale_grey(values: np.ndarray) -> Image.Image:
    """Grey values of any range, from black for the least to white for the greatest; nobody knows how far they could go.

    Raises ValueError where they are not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("it has values that are not finite numbers")
    least = values.min()
    span = values.max() - least
    shares = (values - least) / span if span else np.full_like(values, 0.5)
    return Image.fromarray(np.rint(255 * shares).astype(np.uint8))


def find_image(folders: list[Path], file_name: str) -> Path:
    """Where the file called ``file_name``, which may hold folders, is below one of ``folders``.

    A name that is in none of them gives the place in the first, where opening it will fail.

    Raises ClcapError when the name leads out of its folder or stands in two of them.
    """
    if leaves_folder(file_name):
        raise ClcapError(f"the image name '{file_name}' leads out of the images' folder")
    places = [folder / file_name for folder in folders]
    found = [place for place in places if is_file(place)]
    if len(found) > 1:
        raise ClcapError(f"there are two images '{file_name}': {found[0]} and {found[1]}; give one folder less")
    return found[0] if found else places[0]


def leaves_folder(file_name: str) -> bool:
    """Whether a name that should be below a folder leads out of it."""
    return Path(file_name).is_absolute() or ".." in Path(file_name).parts
