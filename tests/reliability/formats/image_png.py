"""PNG images, as every stage that decodes images reads them."""

import zlib
from collections.abc import Iterator
from random import Random

from tests.reliability.foreign_seeds import EXIF, image_files, read_image
from tests.reliability.fuzzing import Format
from tests.reliability.mutations import GENERAL

HEADER = 8
"""Number of bytes before the first chunk."""


def change_chunk(content: bytes, random: Random) -> bytes:
    """Change the data of a chunk, or repeat it, with a correct checksum."""
    chunks = list(_chunks(content))
    number = random.randrange(len(chunks)) if chunks else 0
    for kind, data in chunks[number : number + 1]:
        changed = random.choice(GENERAL)(data, random)
        chunks[number : number + 1] = [(kind, changed)] * random.choice([1, 1, 2, 50])
    return content[:HEADER] + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = HEADER
    while start + 12 <= len(content):
        size = int.from_bytes(content[start : start + 4], "big")
        yield content[start + 4 : start + 8], content[start + 8 : start + 8 + size]
        start += size + 12


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


TOKENS = (b"IHDR", b"IDAT", b"iCCP", b"zTXt", b"acTL", b"fcTL", b"fdAT", b"tRNS", b"eXIf")
FORMAT = Format("image_png", "a.png", read_image, image_files("PNG", {}, {"exif": EXIF}), (change_chunk,), TOKENS)
