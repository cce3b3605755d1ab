"""BMP images, as every stage that decodes images reads them."""

from tests.reliability.foreign_seeds import image_files, read_image
from tests.reliability.fuzzing import Format

TOKENS = (b"BM", b"\0\0")
FORMAT = Format("image_bmp", "a.bmp", read_image, image_files("BMP"), tokens=TOKENS)
