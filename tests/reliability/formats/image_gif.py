"""GIF images, as every stage that decodes images reads them."""

from tests.reliability.foreign_seeds import image_files, read_image
from tests.reliability.fuzzing import Format

TOKENS = (b"GIF89a", b"!\xf9\x04", b"NETSCAPE2.0", b",", b";")
FORMAT = Format("image_gif", "a.gif", read_image, image_files("GIF"), tokens=TOKENS)
