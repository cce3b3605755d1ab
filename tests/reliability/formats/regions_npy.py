"""Region features in ``.npy`` files."""

import io

import numpy as np

from tests.reliability.foreign_seeds import numbered
from tests.reliability.fuzzing import Format
from tests.reliability.region_seeds import REGIONS, read_regions


def array(kind: str) -> bytes:
    """The regions as numbers of a type."""
    content = io.BytesIO()
    np.save(content, REGIONS.astype(kind))
    return content.getvalue()


TOKENS = (b"\x93NUMPY", b"'<f8'", b"'|O'", b"'|V1'", b"True", b"(10000000000, 8)", b"(0, 8)", b"-1", b"[[", b"{")
SEEDS = numbered(map(array, ("<f4", "<f2", ">f8", "<i4")))
FORMAT = Format("regions_npy", "7.npy", read_regions, SEEDS, tokens=TOKENS)
