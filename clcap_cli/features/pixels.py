"""Conversion of decoded images of every mode to upright 8-bit RGB.

Brightness of images with more than 8 bits per channel: black is 0, and white is the largest value of the smallest range
that contains all values of the image.

- Integers: 255, 1,023 (10 bits), 4,095 (12 bits) or 65,535 (16 bits).
- Floating point: 1 if all values are between 0 and 1; 255 if they are between 0 and 255 and the largest is at least 16.
- All other values, such as negative numbers and HDR: black is the smallest value, white the largest.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageCms
from PIL.ImageFile import ImageFile

INTEGER_WHITES = (255, 1_023, 4_095, 65_535)
SMALLEST_255_MAXIMUM = 16
"""Smallest maximum of floating-point values that are taken for 0 to 255; images with a smaller one are HDR."""
ORIENTATION_TAG = 0x0112
ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
STRIP_PIXELS = 2**18
"""Approximate number of pixels of a strip, in which images are converted to save memory."""
_OTHER_BYTE = str.maketrans({"L": "B", "B": "L", "N": "B"})


def upright_rgb(image: Image.Image, reopen: Callable[[], ImageFile] | None = None) -> Image.Image:
    """Convert an image to RGB, rotated according to its EXIF orientation, with transparency on white.

    ``reopen`` opens the same image again; without it, 16-bit colours are reduced to their upper 8 bits.

    Raises ValueError if the image has no pixels or values that are not finite, and Pillow's errors if it is damaged.
    """
    if 0 in image.size:
        raise ValueError("it has no pixels")
    has_16_bits = ";16" in _raw_mode(image)
    image.load()
    orientation = _orientation(image)
    if reopen and has_16_bits and image.mode in ("RGB", "RGBA") and _is_dark(image):
        image = _scaled_colours(image, _with_lower_bytes(reopen()))
    rgb = _rgb(image)
    return rgb.transpose(orientation) if orientation is not None else rgb


def _orientation(image: Image.Image) -> Image.Transpose | None:
    try:
        return ORIENTATIONS.get(image.getexif()[ORIENTATION_TAG])
    except Exception:  # damaged EXIF data make Pillow raise nearly any error; the pixels are not affected
        return None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        return _scaled_grey(image)
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(lab, srgb, "LAB", "RGB").apply(image)
    if image.has_transparency_data:
        return _in_strips(image, _on_white)
    return image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    foreground = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", foreground.size, "white"), foreground).convert("RGB")


def _scaled_grey(image: Image.Image) -> Image.Image:
    """A grey image of more than 8 bits as RGB, scaled by the rule at the top of this file."""
    strips = (np.asarray(image.crop(box)) for box in _strips(image))
    black, white = _range_of(strips, is_float=image.mode == "F")
    return _in_strips(image, lambda strip: Image.fromarray(_scaled(np.asarray(strip), black, white)).convert("RGB"))


def _in_strips(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """What ``convert`` makes of an image as RGB, strip by strip, which needs little memory beside the result."""
    result = Image.new("RGB", image.size)
    for box in _strips(image):
        result.paste(convert(image.crop(box)), box)
    return result


def _strips(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """The boxes of an image's strips, which consist of whole rows."""
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield 0, top, image.width, min(top + rows, image.height)


def _scaled(values: np.ndarray, black: float, white: float) -> np.ndarray:
    """Values scaled to 0 to 255."""
    exact = values.astype(np.float64)
    scaled = (exact - black) / (white - black) if white > black else np.full_like(exact, 0.5)
    return np.rint(255 * scaled).astype(np.uint8)


def _range_of(parts: Iterable[np.ndarray], is_float: bool) -> tuple[float, float]:
    """The values that become black and white, for an image in ``parts``.

    Raises ValueError if a value is not finite.
    """
    ends = [(float(part.min()), float(part.max())) for part in parts]  # NaN if any value is NaN
    if not np.isfinite(ends).all():
        raise ValueError("it has values that are not finite numbers")
    return _range(min(low for low, _ in ends), max(high for _, high in ends), is_float)


def _range(low: float, high: float, is_float: bool) -> tuple[float, float]:
    """The values that become black and white."""
    if is_float:
        white = 1 if high <= 1 else 255 if SMALLEST_255_MAXIMUM <= high <= 255 else None
    else:
        white = next((white for white in INTEGER_WHITES if high <= white), None)
    return (low, high) if low < 0 or white is None else (0, white)


def _raw_mode(image: Image.Image) -> str:
    """Pillow's name for the layout of the stored pixels, such as "RGB;16B"; empty if it is not known."""
    arguments = image.tile[0].args if isinstance(image, ImageFile) and image.tile else None
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _is_dark(image: Image.Image) -> bool:
    """Whether no colour of a 16-bit image exceeds 4,095; ``image`` has the upper 8 bits, as Pillow reads colours."""
    extrema: Any = image.getextrema()
    return all(high < 16 for _, high in extrema[:3])


def _with_lower_bytes(image: ImageFile) -> Image.Image:
    """The lower 8 bits of 16-bit colours, read by exchanging the order of bytes before the image is decoded."""
    raw_mode = _raw_mode(image)
    swapped = raw_mode[:-1] + raw_mode[-1].translate(_OTHER_BYTE)
    tile = image.tile[0]
    arguments = (swapped, *tile.args[1:]) if isinstance(tile.args, tuple) else swapped
    image.tile = [one._replace(args=arguments) for one in image.tile]
    image.load()
    return image


def _scaled_colours(upper: Image.Image, lower: Image.Image) -> Image.Image:
    """Colours from both bytes, scaled by the rule at the top of this file; opacity keeps its upper 8 bits."""
    black, white = _range_of((_colours(upper, lower, box) for box in _strips(upper)), is_float=False)
    result = Image.new(upper.mode, upper.size)
    for box in _strips(upper):
        opacity = np.asarray(upper.crop(box))[..., 3:]
        scaled = _scaled(_colours(upper, lower, box), black, white)
        result.paste(Image.fromarray(np.concatenate([scaled, opacity], axis=-1)), box)
    return result


def _colours(upper: Image.Image, lower: Image.Image, box: tuple[int, int, int, int]) -> np.ndarray:
    """The 16-bit colours in a box of an image, (height, width, 3)."""
    upper_bytes, lower_bytes = (np.asarray(image.crop(box))[..., :3] for image in (upper, lower))
    return upper_bytes.astype(np.uint16) * 256 + lower_bytes
