"""JPEG images, as every stage that decodes images reads them."""

from tests.reliability.foreign_seeds import EXIF, image_files, read_image
from tests.reliability.fuzzing import Format

TOKENS = (b"\xff\xd8\xff", b"\xff\xda", b"\xff\xc2", b"Exif", b"ICC_PROFILE")
FORMAT = Format(
    "image_jpeg", "a.jpg", read_image, image_files("JPEG", {}, {"progressive": True}, {"exif": EXIF}), tokens=TOKENS
)
