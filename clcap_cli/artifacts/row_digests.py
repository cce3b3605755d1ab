"""Digests of the rows of ``features.h5``, which show whether the features of an image are those that were written."""

import hashlib
from collections.abc import Callable

import numpy as np

PART_SIZE = 8
"""Size in bytes of the digest of a row's pooled vector, and of the digest of its regions."""
ROW_SIZE = 2 * PART_SIZE
"""Size in bytes of the digest of a row: that of its pooled vector, then that of its regions."""
IMAGE_SIZE = 16
"""Size in bytes of the digest of an image file."""


def image_digest(content: bytes) -> bytes:
    """Digest of the content of an image file."""
    return hashlib.blake2b(content, digest_size=IMAGE_SIZE).digest()


def part_digest(values: np.ndarray) -> bytes:
    """Digest of a pooled vector, or of the regions of an image."""
    return hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=PART_SIZE).digest()


def row_digest(pooled: np.ndarray, regions: np.ndarray) -> bytes:
    """Digest of the features of an image: pooled (P,) and regions (R, G), both float16."""
    return part_digest(pooled) + part_digest(regions)


def stacked(digests: list[bytes], size: int) -> np.ndarray:
    """Digests of ``size`` bytes as an array (digests, size) uint8."""
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, size)


class DigestCheck:
    """Checks rows against their digests, each when it is first used."""

    def __init__(self, digests: np.ndarray | None, part: slice, values: Callable[[int], np.ndarray]):
        """``part`` selects the digest of what ``values`` returns for a row; without ``digests``, nothing is checked."""
        self._digests, self._part, self._values = digests, part, values
        self._intact = np.zeros(0 if digests is None else len(digests), dtype=bool)

    def first_damaged(self, rows: np.ndarray) -> int | None:
        """The first of the ``rows`` whose values do not have the digest that was written; None if all have it."""
        if self._digests is None:
            return None
        for row in rows[~self._intact[rows]].tolist():
            if part_digest(self._values(row)) != self._digests[row, self._part].tobytes():
                return int(row)
            self._intact[row] = True
        return None
