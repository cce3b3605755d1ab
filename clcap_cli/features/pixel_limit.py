"""How many pixels an image may have, and how many pixels all threads decode at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Condition

from PIL import Image

from clcap_cli.compute.process import at_stage_end
from clcap_cli.features.max_pixels import DEFAULT_MAX_PIXELS

BYTES_PER_PIXEL = 20
"""Largest amount of memory that decoding takes for each pixel."""
MAX_SCALE = 8
"""Largest factor by which a JPEG or JPEG 2000 image is decoded at a reduced size."""
MAX_ASPECT_RATIO = 1_000
"""Largest ratio of the sides of an image; networks resize the shorter side, so that the other would become huge."""


class PixelBudget:
    """The pixels that threads may decode at the same time; each takes up to ``BYTES_PER_PIXEL`` of memory."""

    def __init__(self) -> None:
        self._free = Condition()
        self._in_use = 0
        self.maximum = DEFAULT_MAX_PIXELS
        """Maximum number of pixels of an image."""

    @property
    def total(self) -> int:
        """Maximum number of pixels of all images that are decoded at the same time."""
        return max(self.maximum, DEFAULT_MAX_PIXELS)

    @contextmanager
    def reserved(self, pixels: int) -> Iterator[None]:
        """Wait until ``pixels`` may be decoded beside those of the other threads, and keep them reserved."""
        with self._free:
            self._free.wait_for(lambda: self._in_use == 0 or self._in_use + pixels <= self.total)
            self._in_use += pixels
        try:
            yield
        finally:
            with self._free:
                self._in_use -= pixels
                self._free.notify_all()


BUDGET = PixelBudget()
"""The budget of all images that this process decodes."""


def limit_pixels(maximum: int) -> None:
    """Set the maximum number of pixels of an image until the running stage ends."""
    at_stage_end(partial(setattr, BUDGET, "maximum", BUDGET.maximum))
    BUDGET.maximum = maximum


def max_bytes() -> int:
    """Maximum size of an image file in bytes: that of an uncompressed image with so many bytes per pixel."""
    return BYTES_PER_PIXEL * BUDGET.total


def check_size(image: Image.Image) -> None:
    """Raise ValueError if an opened image is too large to be decoded, also at the smallest scale of its format."""
    width, height = image.size
    pixels = width * height
    if max(width, height) > MAX_ASPECT_RATIO * max(1, min(width, height)):
        raise ValueError(
            f"its sides, {width:,} and {height:,} pixels, differ by more than a factor of {MAX_ASPECT_RATIO:,}; crop it"
        )
    if pixels > BUDGET.maximum * (MAX_SCALE**2 if _can_be_reduced(image) else 1):
        raise ValueError(
            f"it has {pixels:,} pixels, more than the maximum of {BUDGET.maximum:,}; scale it down, or raise "
            "--max-pixels"
        )


def reduce_scale(image: Image.Image, target_size: int | None = None) -> None:
    """Choose the scale at which an opened image is decoded, a half, a quarter or an eighth, if its format has them.

    An image that is to be resized to ``target_size`` keeps at least twice that size, unless that is too large.
    """
    scale, (width, height) = _needed_scale(image), image.size
    if image.format == "JPEG2000" and scale > 1:
        image.reduce = scale.bit_length() - 1  # type: ignore[assignment, method-assign]  # the number of halvings
    elif target_size or scale > 1:
        longest = 2 * target_size if target_size else max(width, height)
        image.draft(None, (min(longest, width // scale), min(longest, height // scale)))


def decoded_pixels(image: Image.Image) -> int:
    """Number of pixels that decoding an image takes memory for, after ``reduce_scale``."""
    width, height = image.size
    return width * height // (_needed_scale(image) ** 2 if image.format == "JPEG2000" else 1)


def _needed_scale(image: Image.Image) -> int:
    """The smallest factor of 1, 2, 4 and 8 by which an image must be reduced to keep within the limit."""
    pixels = image.width * image.height
    return next((scale for scale in (1, 2, 4) if pixels <= BUDGET.maximum * scale**2), MAX_SCALE)


def _can_be_reduced(image: Image.Image) -> bool:
    """Whether less memory is needed at a reduced scale; a progressive JPEG is decoded as a whole in any case."""
    is_jpeg = image.format in ("JPEG", "MPO") and not image.info.get("progressive")
    return is_jpeg or image.format == "JPEG2000"
