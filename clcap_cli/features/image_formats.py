"""Formats of image files, and what some of them need to be read."""

import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import IO, Any

from PIL import Image, UnidentifiedImageError, features
from PIL.ImageFile import ImageFile

from clcap_cli.extras import OPTIONAL_PACKAGES, import_optional, is_installed
from clcap_cli.features.pixel_limit import check_size

_ALWAYS_READ = (
    "jpg jpeg jpe jfif mpo png apng bmp dib gif tif tiff webp ppm pgm pbm pnm pfm jp2 j2k jpf jpx tga ico pcx psd"
)
_PILLOW_FORMATS = [
    "JPEG",
    "PNG",
    "BMP",
    "DIB",
    "GIF",
    "TIFF",
    "WEBP",
    "PPM",
    "JPEG2000",
    "TGA",
    "ICO",
    "PCX",
    "PSD",
    "AVIF",
    "HEIF",
]
"""Pillow's names of these formats; its other plugins start programs, or recognise files that they cannot read."""
HEIF_PACKAGE = "pillow_heif"


@dataclass(frozen=True)
class OptionalFormat:
    """A format that Pillow reads only with another package or in a newer version."""

    name: str
    suffixes: frozenset[str]
    brands: frozenset[bytes]
    """Bytes 8 to 11 of a file of this format."""
    install_command: str
    """The command line that installs a reader of the format."""

    @property
    def is_readable(self) -> bool:
        """Whether a reader of the format is installed."""
        return is_installed(HEIF_PACKAGE) if self.name == "HEIC" else _pillow_reads_avif()


OPTIONAL_FORMATS = (
    OptionalFormat(
        "HEIC",
        frozenset({".heic", ".heif", ".hif"}),
        frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"}),
        OPTIONAL_PACKAGES[HEIF_PACKAGE].install_command,
    ),
    OptionalFormat("AVIF", frozenset({".avif", ".avifs"}), frozenset({b"avif", b"avis"}), "pip install 'pillow>=11.3'"),
)


def _pillow_reads_avif() -> bool:
    return "avif" in features.modules and bool(features.check_module("avif"))


@cache
def image_suffixes() -> frozenset[str]:
    """Suffixes of the image files that can be read here, in lower case."""
    always = (f".{suffix}" for suffix in _ALWAYS_READ.split())
    return frozenset(always).union(*(one.suffixes for one in OPTIONAL_FORMATS if one.is_readable))


def open_image(stream: IO[bytes], head: bytes) -> ImageFile:
    """Open an image of which ``head`` is the start.

    Raises Pillow's errors if it is damaged or of another format, and ValueError if it is too large.
    """
    if head[4:8] == b"ftyp" and is_installed(HEIF_PACKAGE):
        import_optional(HEIF_PACKAGE, "a HEIC image").register_heif_opener()
    image = _opened(stream, head)
    check_size(image)
    return image


def _opened(stream: IO[bytes], head: bytes) -> ImageFile:
    """The image in the first format that accepts it, like ``Image.open``, but without Pillow's limit of its size."""
    plugins = _registered_formats()
    for factory, accept in (plugins[name] for name in _PILLOW_FORMATS if name in plugins):
        if accept is None or accept(head[:16]) is True:
            stream.seek(0)
            with suppress(SyntaxError, IndexError, TypeError, struct.error):
                return factory(stream, "")
    raise UnidentifiedImageError


def _registered_formats() -> Mapping[str, Any]:
    Image.init()  # does nothing from the second time
    return Image.OPEN


def format_without_reader(suffix: str = "", brand: bytes = b"") -> OptionalFormat | None:
    """The format with this suffix or brand if it cannot be read here, otherwise None."""
    formats = (one for one in OPTIONAL_FORMATS if suffix.lower() in one.suffixes or brand in one.brands)
    return next((one for one in formats if not one.is_readable), None)
