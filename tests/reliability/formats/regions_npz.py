"""Region features in ``.npz`` files."""

import io

import numpy as np

from tests.reliability.foreign_seeds import numbered
from tests.reliability.fuzzing import Format
from tests.reliability.region_seeds import REGIONS, read_regions


def archive(compressed: bool) -> bytes:
    """An archive of regions and boxes."""
    content = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(content, feat=REGIONS, bbox=REGIONS[:, :4])
    return content.getvalue()


TOKENS = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x93NUMPY", b"'<f8'", b"'|O'", b"True", b"(10000000000, 8)")
FORMAT = Format("regions_npz", "7.npz", read_regions, numbered(map(archive, (False, True))), tokens=TOKENS)
