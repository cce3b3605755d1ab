"""A ``features.h5`` in several files: shards that different processes write, and an index that reads as one file.

``features-00002-of-00016.h5`` is a complete ``features.h5`` of a part of the images. The index ``features.h5`` beside
the shards has the datasets of a ``features.h5`` except ``ids``, ``names``, ``pooled`` and ``grid``, and instead::

    images/id_text, images/id_ends      the ids of all images, see ``stored_texts``
    images/name_text, images/name_ends  their file names
    images/hashes, images/rows          where each id is, see ``image_rows``
    shards/names   (shards,) text: names of the shards' files
    shards/rows    (shards,) int64: number of images of each
    shards/pooled  (shards,) int64: position of the shard's dataset in its file, in bytes
    shards/grid    (shards,) int64: the same

Opening an index opens no shard and takes the same time for any number of images. A shard is memory-mapped when a row of
it is first read, and then checked by the digests of its rows, which the index has.
"""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from clcap_cli.artifacts.hdf5 import HDF5Content
from clcap_cli.errors import ClcapError, damaged_file_error
from clcap_cli.input_files import check_readable, is_file

NAMES, ROWS, POSITIONS = "shards/names", "shards/rows", ("shards/pooled", "shards/grid")


class ShardedRows:
    """The rows of a dataset of all shards, as if they were one array; only the files that are needed are opened."""

    def __init__(
        self, index: Path, names: Sequence[str], rows: np.ndarray, positions: np.ndarray, row: tuple[int, ...]
    ):
        """``rows`` and ``positions`` (shards,) as in the index; ``row`` is the shape of a row, of float16."""
        self.index, self.names, self.positions = index, names, positions
        self.starts = np.concatenate([[0], np.cumsum(rows)])
        self.shape = (int(self.starts[-1]), *row)
        self.dtype = np.dtype(np.float16)
        self._parts: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """The rows at an index, or at an array of indices, as an array."""
        if isinstance(rows, int | np.integer):
            return self[np.array([rows])][0]
        shards = self.shards_of(rows)
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for shard in np.unique(shards):
            own = shards == shard
            found[own] = self._part(int(shard))[rows[own] - self.starts[shard]]
        return found

    def shards_of(self, rows: np.ndarray) -> np.ndarray:
        """(rows,) int64: the number of the shard in which each row is."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def _part(self, shard: int) -> np.ndarray:
        if shard not in self._parts:
            self._parts[shard] = self._memory_map(shard)
        return self._parts[shard]

    def _memory_map(self, shard: int) -> np.ndarray:
        path, position = self.path_of(shard), int(self.positions[shard])
        shape = (int(self.starts[shard + 1] - self.starts[shard]), *self.shape[1:])
        end = position + prod(shape) * self.dtype.itemsize
        if not is_file(path):
            raise self.error(shard, "it is missing")
        check_readable(path)
        if path.stat().st_size < end:
            raise self.error(shard, f"it has {path.stat().st_size:,} bytes, expected at least {end:,}")
        return np.memmap(path, self.dtype, "r", position, shape)

    def path_of(self, shard: int) -> Path:
        """The file of a shard."""
        return self.index.with_name(self.names[shard])

    def error(self, shard: int, problem: str) -> ClcapError:
        """An error about a shard that is not the file that the index was written for."""
        return ClcapError(
            f"{self.index} needs its shard {self.path_of(shard)}, but {problem}; put the original file there, or "
            f"extract it again with --shard {shard + 1}/{len(self.names)}"
        )


class ShardIndex:
    """The part of an index that describes its shards."""

    def __init__(self, content: HDF5Content, images: int):
        """Raises ClcapError if it is damaged or names a file that is not beside it."""
        self.path, self.names = content.path, content.texts(NAMES)
        self.rows, self.pooled, self.grid = (
            content.numbers_within(name, "int64", (len(self.names),), 0, 2**62) for name in (ROWS, *POSITIONS)
        )
        if int(self.rows.sum()) != images:
            raise damaged_file_error(self.path, f"its shards have {int(self.rows.sum())} images, expected {images}")
        if outside := [name for name in self.names if name != Path(name).name or name in ("", ".", "..")]:
            raise damaged_file_error(self.path, f"its shard '{outside[0]}' is not a file beside it")

    def dataset(self, name: str, row: tuple[int, ...]) -> ShardedRows:
        """The rows of 'pooled' or 'grid', each of shape ``row``."""
        return ShardedRows(self.path, self.names, self.rows, getattr(self, name), row)


def is_index(content: HDF5Content) -> bool:
    """Whether an opened features file is an index of shards."""
    return NAMES in content.survey.datasets
