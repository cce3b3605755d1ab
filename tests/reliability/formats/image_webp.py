"""WebP images, as every stage that decodes images reads them."""

from tests.reliability.foreign_seeds import EXIF, image_files, read_image
from tests.reliability.fuzzing import Format

TOKENS = (b"VP8X", b"VP8L", b"VP8 ", b"ANIM", b"ANMF", b"ALPH", b"ICCP")
FORMAT = Format(
    "image_webp", "a.webp", read_image, image_files("WEBP", {}, {"lossless": True}, {"exif": EXIF}), tokens=TOKENS
)
