"""Formats of image files, and the packages that some of them need."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from PIL import features

_ALWAYS_READ = (
    "jpg jpeg jpe jfif mpo png apng bmp dib gif tif tiff webp ppm pgm pbm pnm jp2 j2k jpf jpx tga ico pcx psd"
)


@dataclass(frozen=True)
class OptionalFormat:
    """A format that Pillow reads only with another package or version."""

    name: str
    suffixes: frozenset[str]
    brands: frozenset[bytes]
    """Bytes 8 to 11 of a file of this format."""
    package: str
    """The plugin that reads the format."""
    install: str
    """Command that installs a reader of the format."""

    @property
    def is_read(self) -> bool:
        """Whether a reader of the format is installed."""
        return _is_in_pillow(self.name.lower()) or find_spec(self.package) is not None


OPTIONAL_FORMATS = (
    OptionalFormat(
        "HEIC",
        frozenset({".heic", ".heif", ".hif"}),
        frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"}),
        "pillow_heif",
        "pip install 'clcap[heif]'",
    ),
    OptionalFormat(
        "AVIF",
        frozenset({".avif", ".avifs"}),
        frozenset({b"avif", b"avis"}),
        "pillow_avif",
        "pip install 'pillow>=11.3'",
    ),
)


def _is_in_pillow(feature: str) -> bool:
    return feature in features.modules and bool(features.check_module(feature))


@cache
def image_suffixes() -> frozenset[str]:
    """Suffixes of the image files that can be read here, in lower case."""
    always = {f".{suffix}" for suffix in _ALWAYS_READ.split()}
    return frozenset(always.union(*(one.suffixes for one in OPTIONAL_FORMATS if one.is_read)))


@cache
def register_plugins() -> None:
    """Make Pillow read HEIC images if the package for them is installed."""
    if find_spec("pillow_heif"):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    if find_spec("pillow_avif"):
        import pillow_avif  # noqa: F401  # its import registers the format


def format_without_reader(suffix: str = "", brand: bytes = b"") -> OptionalFormat | None:
    """The format with this suffix or brand if it is one that cannot be read here, otherwise None."""
    formats: Iterable[OptionalFormat] = (one for one in OPTIONAL_FORMATS if not one.is_read)
    return next((one for one in formats if suffix.lower() in one.suffixes or brand in one.brands), None)
