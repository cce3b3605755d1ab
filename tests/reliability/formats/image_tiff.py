"""TIFF images, as every stage that decodes images reads them."""

from tests.reliability.foreign_seeds import image_files, read_image
from tests.reliability.fuzzing import Format

TOKENS = (b"II*\0", b"MM\0*", b"\x44\x01", b"\x42\x01", b"\x03\x01")
FORMAT = Format("image_tiff", "a.tif", read_image, image_files("TIFF"), tokens=TOKENS)
