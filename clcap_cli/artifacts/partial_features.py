"""``features.partial``: the rows of a ``features.h5`` that is not complete yet, which a stopped run can go on with.

It is the later file itself without its tables of contents: when all rows are there, these are written and the file is
renamed, so that no row is copied. ``features.partial.json`` beside it records what the rows belong to. Rows are found
by their digests, so that it does not matter at which moment a run was stopped: a row without the right digest is
computed again.
"""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from clcap_cli.artifacts.atomic import atomic_write, write_text
from clcap_cli.artifacts.feature_batch import FeatureBatch
from clcap_cli.artifacts.feature_datasets import Layout, check_finite, create_row_datasets, write_metadata
from clcap_cli.artifacts.hdf5 import hdf5_in
from clcap_cli.artifacts.output_path import write_errors
from clcap_cli.artifacts.partial_record import Extraction, PartialRecord, partial_path, record_path, remove_partial
from clcap_cli.artifacts.provenance import Provenance
from clcap_cli.artifacts.row_digests import IMAGE_SIZE, ROW_SIZE, row_digest
from clcap_cli.artifacts.sink import RewritingSink, write_all
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    import h5py

SYNC_SECONDS = 30.0
"""Seconds of work that may be lost if the machine loses power; if only the process is killed, no finished batch is."""


class PartialFeatures:
    """A partial file that is open for writing."""

    def __init__(self, out: Path, record: PartialRecord, is_new: bool):
        self.out, self.record, self.path, self.is_new = out, record, partial_path(out), is_new
        self.has_new_rows = False
        """Whether a row was appended."""
        self._file = self.path.open("r+b", buffering=0)
        self._hasher = hashlib.sha256(record.backbone.model_dump_json(exclude={"weights"}).encode())
        self._synced = time.monotonic()
        self.ids: list[ImageId] = []
        """Ids of the images whose rows are written or kept, in order."""
        self.row_digests: list[bytes] = []
        """Digests of these rows."""
        self.image_digests: list[bytes] = []
        """Digests of these images' files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; if it is new and has no rows, remove it and its record."""
        if not self._file.closed:
            with suppress(OSError):
                self.sync()
            self._file.close()
        if self.is_new and not self.has_new_rows:
            remove_partial(self.out)

    def append(self, batch: FeatureBatch) -> None:
        """Write the rows of a batch; raises ClcapError for features that are not finite, OSError for a full disk."""
        pooled, grid = (np.ascontiguousarray(part, dtype="<f2") for part in (batch.pooled, batch.grid))
        for features in (pooled, grid):
            check_finite(features, batch.ids)
        row_digests = batch.row_digests()
        parts = {"pooled": pooled, "grid": grid}
        digests = {"image_digests": batch.image_digests, "row_digests": row_digests}
        written = {name: values.tobytes() for name, values in parts.items()}
        for name, content in (written | {name: b"".join(values) for name, values in digests.items()}).items():
            self._write(name, content)
        self._count(batch.ids, row_digests, batch.image_digests, pooled, grid)
        self.has_new_rows = True
        if time.monotonic() - self._synced >= SYNC_SECONDS:
            with write_errors(self.out):
                self.sync()

    def next_image_digests(self, count: int) -> list[bytes]:
        """Digests of the image files of the next ``count`` rows in the file; zeros where no row was written."""
        content = self._read("image_digests", count)
        return [content[first : first + IMAGE_SIZE] for first in range(0, len(content), IMAGE_SIZE)]

    def keep(self, ids: Sequence[ImageId]) -> bool:
        """Keep the next rows of the file as those of the images ``ids``; returns whether they are intact."""
        info, count = self.record.backbone, len(ids)
        pooled = np.frombuffer(self._read("pooled", count), dtype="<f2").reshape(count, info.pooled_channels)
        grid = np.frombuffer(self._read("grid", count), dtype="<f2")
        grid = grid.reshape(count, info.regions, info.grid_channels)
        row_digests = list(map(row_digest, pooled, grid))
        if b"".join(row_digests) != self._read("row_digests", count):
            return False
        self._count(ids, row_digests, self.next_image_digests(count), pooled, grid)
        return True

    def sync(self) -> None:
        """Flush the rows to disk."""
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def finish(self, names: Mapping[ImageId, str], provenance: Provenance) -> None:
        """Complete the file and give it its final name."""
        with write_errors(self.out):
            with _rewritten(self._file) as file:
                create_row_datasets(file, self.record.backbone, self.record.images)
                write_metadata(file, names, self.ids, self.record.backbone, self._hasher, provenance)
            self.sync()
        with atomic_write(self.out) as part:
            _give_name(self.path, part)
        self._file.close()
        remove_partial(self.out)

    def _count(
        self,
        ids: Sequence[ImageId],
        row_digests: Sequence[bytes],
        image_digests: Sequence[bytes],
        pooled: np.ndarray,
        grid: np.ndarray,
    ) -> None:
        self._hasher.update(pooled.data)
        self._hasher.update(grid.data)
        self.ids.extend(ids)
        self.row_digests.extend(row_digests)
        self.image_digests.extend(image_digests)

    def _bytes_per_row(self, name: str) -> int:
        info = self.record.backbone
        return {
            "pooled": 2 * info.pooled_channels,
            "grid": 2 * info.regions * info.grid_channels,
            "row_digests": ROW_SIZE,
            "image_digests": IMAGE_SIZE,
        }[name]

    def _position(self, name: str) -> int:
        return getattr(self.record.layout, name) + len(self.ids) * self._bytes_per_row(name)

    def _write(self, name: str, content: bytes) -> None:
        with write_errors(self.out):
            self._file.seek(self._position(name))
            write_all(self._file, memoryview(content))

    def _read(self, name: str, count: int) -> bytes:
        size = min(count, self.record.images - len(self.ids)) * self._bytes_per_row(name)
        self._file.seek(self._position(name))
        return (self._file.read(size) or b"").ljust(size, b"\0")


def create_partial(out: Path, extraction: Extraction) -> PartialFeatures:
    """Create a partial file without rows.

    Raises ClcapError if it cannot be written.
    """
    remove_partial(out)
    try:
        with write_errors(out), partial_path(out).open("w+b", buffering=0) as content:
            layout = _write_skeleton(content, extraction)
        record = PartialRecord(layout=layout, **extraction.model_dump())
        write_text(record_path(out), record.model_dump_json(indent=1))
    except BaseException:
        remove_partial(out)
        raise
    return PartialFeatures(out, record, is_new=True)


def open_partial(out: Path, record: PartialRecord) -> PartialFeatures:
    """Open the partial file of ``out``; raises ClcapError if its ``record`` does not describe its layout."""
    with write_errors(out), partial_path(out).open("r+b", buffering=0) as content:
        layout = _write_skeleton(content, record)
    if layout != record.layout:
        raise ClcapError(
            f"{record_path(out)} is damaged, or another version of HDF5 wrote it: its layout is {record.layout}, "
            f"expected {layout}; delete it to start from the beginning"
        )
    return PartialFeatures(out, record, is_new=False)


def _write_skeleton(content: FileIO, extraction: Extraction) -> Layout:
    """Write the datasets' headers, but not their values, which stay as they are."""
    with _rewritten(content) as file:
        return create_row_datasets(file, extraction.backbone, extraction.images)


def _give_name(path: Path, other: Path) -> None:
    """Give a file another name, and leave it the first one too where the file system can.

    A process that is killed before the second name is the final one then leaves the first.
    """
    try:
        os.link(path, other)
    except OSError:
        path.replace(other)


@contextmanager
def _rewritten(content: FileIO) -> Iterator["h5py.File"]:
    """Yield a new HDF5 file over ``content``, of which the bytes that HDF5 does not write stay."""
    sink = RewritingSink(content)
    with hdf5_in(sink) as file:
        yield file
    sink.cut()
    sink.check()
