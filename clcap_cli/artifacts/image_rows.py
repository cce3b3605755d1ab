"""Finding the rows of images by their ids: in a list in memory, or in the index of a file of any size.

The index of a file is two datasets::

    images/hashes  (images,) uint64  hashes of the ids, in ascending order
    images/rows    (images,) int64   the row of each
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from clcap_cli.artifacts.hdf5 import HDF5Content
from clcap_cli.artifacts.stored_texts import StoredTexts
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import damaged_file_error

if TYPE_CHECKING:
    import h5py

HASHES, ROWS = "images/hashes", "images/rows"
HASH_SIZE = 8
MAX_SAME_HASH = 4
"""Number of ids with the same hash that are compared; of 10 billion ids, three share one with a chance of 10⁻⁹."""


class ImageRows(Protocol):
    """The rows of images."""

    def find(self, ids: Sequence[ImageId]) -> np.ndarray:
        """The row of each image, (ids,) int64; -1 for images that have none."""


class ListedRows:
    """The rows of images whose ids are in memory."""

    def __init__(self, ids: Sequence[ImageId]):
        self._ids = ids

    @cached_property
    def _row_of(self) -> dict[ImageId, int]:
        return {id: row for row, id in enumerate(self._ids)}

    def find(self, ids: Sequence[ImageId]) -> np.ndarray:
        """The row of each image, (ids,) int64; -1 for images that have none."""
        return np.array([self._row_of.get(id, -1) for id in ids], dtype=np.int64)


class IndexedRows:
    """The rows of images in a file, found by binary search in its index, without reading the other ids."""

    def __init__(self, content: HDF5Content, ids: StoredTexts[ImageId]):
        self._ids, self._path, shape = ids, content.path, (len(ids),)
        self._hashes, self._rows = content.numbers(HASHES, "uint64", shape), content.numbers(ROWS, "int64", shape)

    def find(self, ids: Sequence[ImageId]) -> np.ndarray:
        """The row of each image, (ids,) int64; -1 for images that have none."""
        found, hashes = np.full(len(ids), -1, dtype=np.int64), _hashes(ids)
        places, stops = (np.searchsorted(self._hashes, hashes, side) for side in ("left", "right"))
        for place in range(MAX_SAME_HASH):
            left = np.flatnonzero((found < 0) & (places + place < stops))
            rows = self._rows_at(places[left] + place)
            same = [stored == ids[index] for stored, index in zip(self._ids.at(rows), left.tolist(), strict=True)]
            found[left] = np.where(same, rows, -1)
        return found

    def _rows_at(self, places: np.ndarray) -> np.ndarray:
        rows = self._rows[places]
        if rows.min(initial=0) < 0 or rows.max(initial=-1) >= len(self._ids):
            raise damaged_file_error(self._path, f"its '{ROWS}' has values that are not from 0 to {len(self._ids) - 1}")
        return rows


def write_rows(file: "h5py.File", ids: Sequence[ImageId]) -> None:
    """Write the index of images by which ``IndexedRows`` finds their rows."""
    hashes = _hashes(ids)
    order = np.argsort(hashes)
    file[HASHES], file[ROWS] = hashes[order], order.astype(np.int64)


def _hashes(ids: Sequence[ImageId]) -> np.ndarray:
    """A hash of each id, (ids,) uint64."""
    digests = [hashlib.blake2b(str(id).encode(), digest_size=HASH_SIZE).digest() for id in ids]
    return np.frombuffer(b"".join(digests), dtype="<u8")
