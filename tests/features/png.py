"""PNG files of 8 and 16 bits per channel, which Pillow cannot write."""

import struct
import zlib

import numpy as np

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's colour type by the number of channels."""


def grey_png(values: np.ndarray) -> bytes:
    """A grey PNG file of (height, width) uint8 or uint16."""
    return colour_png(values[..., None])


def colour_png(values: np.ndarray) -> bytes:
    """A PNG file of (height, width, channels) uint8 or uint16."""
    height, width, channels = values.shape
    bits = 8 * values.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, bits, COLOUR_TYPES[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, *zip(*chunks, strict=True)))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
