"""``features.h5``: features of images.

::

    ids            (images,) int64 or text
    names          (images,) text: the file name of each image, as in captions.h5
    skipped        (any,) int64 or text: ids of images that could not be read and have no features
    pooled         (images or more, pooled channels) float16
    grid           (images or more, regions, grid channels) float16
    region_counts  (images,) int32: present only if images differ in their number of regions; ``grid`` then has the
                   shape (regions of all images, grid channels), sorted by image
    boxes          (regions of all images, 4) float32: left, top, right and bottom of each region as shares of the
                   image's width and height; only in files of import-features, if the regions came with boxes
    row_digests    (images or more, 16) uint8: digests of each image's pooled vector and of its regions, 8 bytes each
    image_digests  (images or more, 16) uint8: digest of each image file; missing in files of import-features

``pooled`` and ``grid`` are contiguous and uncompressed, so that they can be memory-mapped even if they are larger than
memory. If images were skipped, datasets have unused rows at the end: only the first ``len(ids)`` rows are valid. Files
of version 1 have no digests. An index of several files has other datasets instead of ``ids``, ``names``, ``pooled`` and
``grid``, see ``feature_shards``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from clcap_cli.artifacts.feature_info import FeatureInfo, ImportedInfo, info_class
from clcap_cli.artifacts.feature_shards import NAMES, ShardedRows, ShardIndex, is_index
from clcap_cli.artifacts.hdf5 import HDF5Content, open_hdf5
from clcap_cli.artifacts.image_rows import ImageRows, IndexedRows, ListedRows
from clcap_cli.artifacts.provenance import Provenance
from clcap_cli.artifacts.row_digests import IMAGE_SIZE, PART_SIZE, ROW_SIZE, DigestCheck
from clcap_cli.artifacts.stored_texts import stored_texts, texts_at
from clcap_cli.datasets.ids import canonical_id
from clcap_cli.datasets.parsing import parse_json
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError, damaged_file_error

KIND = "clcap/features"
INFINITY_BITS, SIGN_BIT = 0x7C00, 0x8000
"""Bit patterns of float16: infinity, and the sign bit."""


@dataclass(frozen=True)
class Features:
    """An opened ``features.h5``."""

    path: Path
    provenance: Provenance
    ids: Sequence[ImageId]
    names: Sequence[str]
    """File names of the images, as in the captions.h5 that they were extracted from."""
    skipped: list[ImageId]
    """Ids of images that could not be read and therefore have no features."""
    backbone: FeatureInfo
    pooled: np.ndarray | ShardedRows
    """Pooled features: (images, pooled channels) float16, memory-mapped."""
    grid: np.ndarray | ShardedRows
    """Grid features: (images, regions, grid channels) float16, memory-mapped; (regions of all images, grid channels) if
    ``region_starts`` is given."""
    region_starts: np.ndarray | None = None
    """First row of each image in ``grid``: (images + 1,); image i has the rows region_starts[i] to
    region_starts[i + 1] - 1. None if all images have the same number of regions."""
    row_digests: np.ndarray | None = None
    """Digests of the images' pooled vectors and regions: (images, 16) uint8; None for files of version 1."""
    boxes: np.ndarray | None = None
    """Boxes of the rows of ``grid``, if they are known: (regions of all images, 4) float32, memory-mapped; left, top,
    right and bottom as shares of the image's width and height."""
    image_digests: np.ndarray | None = None
    """Digests of the image files: (images, 16) uint8; None if they are unknown."""
    indexed_rows: IndexedRows | None = None
    """Finds the rows of images without reading all ``ids``; only for an index of shards."""

    @cached_property
    def image_rows(self) -> ImageRows:
        """Finds the rows of images."""
        return self.indexed_rows or ListedRows(self.ids)

    def with_ids(self, ids: Sequence[ImageId]) -> "Features":
        """The same features under other ids, one for each row."""
        return replace(self, ids=ids, indexed_rows=None)

    def names_to_match(self, ids: Sequence[ImageId]) -> dict[ImageId, str]:
        """The file name of each of these images; those of all images if there are no features under one of the ids."""
        rows = self.image_rows.find(ids)
        if (rows < 0).any():
            return dict(zip(self.ids, self.names, strict=True))
        return dict(zip(ids, texts_at(self.names, rows), strict=True))

    def rows_of(self, ids: Sequence[ImageId]) -> np.ndarray:
        """The rows of these images.

        Raises ClcapError if an image has no features; the message names the first such image.
        """
        rows = self.image_rows.find(ids)
        missing = np.flatnonzero(rows < 0)
        if missing.size:
            raise ClcapError(
                f"{self.path} has no features for {len(missing)} of {len(ids)} images, the first is {ids[missing[0]]}; "
                "extract the features of the same captions.h5, or give a file that has them"
            )
        return rows

    def shards_of(self, rows: np.ndarray) -> np.ndarray | None:
        """The number of the shard in which each row is, (rows,) int64; None for a single file."""
        return self.pooled.shards_of(rows) if isinstance(self.pooled, ShardedRows) else None

    def pooled_at(self, rows: np.ndarray) -> np.ndarray:
        """Pooled features (rows, pooled channels) float16; raises ClcapError if those of an image are damaged."""
        return self._checked(self.pooled[rows], rows, self._pooled_check)

    def grid_at(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Grid features (rows, R, grid channels) float16, zero-padded, and the mask of real regions, (rows, R) bool.

        Raises ClcapError if the features of an image are damaged.
        """
        if self.region_starts is None:
            grid = self._checked(self.grid[rows], rows, self._grid_check)
            return grid, np.ones((len(rows), self.grid.shape[1]), dtype=bool)
        first, counts = self.region_starts[rows], np.diff(self.region_starts)[rows]
        mask = np.arange(counts.max(initial=1)) < counts[:, None]
        padded = np.zeros((*mask.shape, self.grid.shape[1]), dtype=np.float16)
        for index, (start, count) in enumerate(zip(first, counts, strict=True)):
            padded[index, :count] = self.grid[start : start + count]
        return self._checked(padded, rows, self._grid_check), mask

    def regions(self, row: int) -> np.ndarray:
        """The regions of the image at ``row``, unchecked: (regions, grid channels) float16, memory-mapped."""
        if self.region_starts is None:
            return self.grid[row]
        return self.grid[self.region_starts[row] : self.region_starts[row + 1]]

    def boxes_at(self, rows: Sequence[int]) -> list[np.ndarray] | None:
        """The boxes of the regions of each image, (regions, 4) float32; None if they are not known."""
        starts = self.region_starts
        if self.boxes is None or starts is None:
            return None
        return [self.boxes[starts[row] : starts[row + 1]] for row in rows]

    def is_intact(self, row: int) -> bool:
        """Whether the features at ``row`` are those that were written."""
        rows = np.array([row])
        return self._pooled_check.first_damaged(rows) is None and self._grid_check.first_damaged(rows) is None

    @cached_property
    def _pooled_check(self) -> DigestCheck:
        return DigestCheck(self.row_digests, slice(PART_SIZE), lambda row: self.pooled[row])

    @cached_property
    def _grid_check(self) -> DigestCheck:
        return DigestCheck(self.row_digests, slice(PART_SIZE, None), self.regions)

    def _checked(self, features: np.ndarray, rows: np.ndarray, check: DigestCheck) -> np.ndarray:
        index = first_nonfinite_row(features)
        if index is not None:
            raise self._damaged_error(rows[index], "finite numbers")
        damaged = check.first_damaged(rows)
        if damaged is not None:
            raise self._damaged_error(damaged, "those written")
        return features

    def _damaged_error(self, row: int, expected: str) -> ClcapError:
        """An error about the features at ``row``, which are not what is ``expected``."""
        problem = f"the features of image {self.ids[row]} are not {expected}"
        if isinstance(self.pooled, ShardedRows):
            return self.pooled.error(int(self.pooled.shards_of(np.array([row]))[0]), problem)
        return damaged_file_error(self.path, problem)


def open_features(path: Path) -> Features:
    """Memory-map a ``features.h5``; features are read only when they are indexed.

    Raises ClcapError if it is missing, damaged, truncated or another kind of file.
    """
    with open_hdf5(path, KIND, ("ids", "names", "skipped", NAMES)) as (content, provenance):
        backbone, skipped = feature_info_in(content), content.ids("skipped")
        if is_index(content):
            return _open_index(content, provenance, backbone, skipped)
        ids = content.ids("ids")
        names = content.texts("names", len(ids))
        pooled = content.numbers("pooled", "float16", (None, backbone.pooled_channels))
        ragged = isinstance(backbone, ImportedInfo)
        shape = (None, backbone.grid_channels) if ragged else (None, backbone.regions, backbone.grid_channels)
        grid = content.numbers("grid", "float16", shape)
        starts = _region_starts(content, len(ids), backbone.regions, len(grid)) if ragged else None
        boxes = boxes_in(content, len(grid)) if ragged else None
        digests = {name: np.array(rows) for name, rows in _digests(content, provenance.version).items()}
    for name, rows in (("pooled", pooled), *([] if ragged else [("grid", grid)]), *digests.items()):
        if len(rows) < len(ids):
            raise damaged_file_error(path, f"its '{name}' has {len(rows)} rows, expected {len(ids)}")
    grid = grid if ragged else grid[: len(ids)]
    first = {name: rows[: len(ids)] for name, rows in digests.items()}
    opened = Features(path, provenance, ids, names, skipped, backbone, pooled[: len(ids)], grid, starts, boxes=boxes)
    return _with_digests(opened, first)


def _open_index(
    content: HDF5Content, provenance: Provenance, backbone: FeatureInfo, skipped: list[ImageId]
) -> Features:
    """The features of an index of shards, of which nothing is read whose size grows with the number of images."""
    ids, names, rows = _indexed_images(content)
    shards, digests = ShardIndex(content, len(ids)), _digests(content, provenance.version, len(ids))
    pooled = shards.dataset("pooled", (backbone.pooled_channels,))
    grid = shards.dataset("grid", (backbone.regions, backbone.grid_channels))
    opened = Features(content.path, provenance, ids, names, skipped, backbone, pooled, grid, indexed_rows=rows)
    return _with_digests(opened, digests)


def _indexed_images(content: HDF5Content) -> tuple[Sequence[ImageId], Sequence[str], IndexedRows | None]:
    """Ids, file names and rows of the images of an index; earlier versions stored ids and names as other files do."""
    if "ids" in content.survey.datasets:
        earlier = content.ids("ids")
        return earlier, content.texts("names", len(earlier)), None
    ids = stored_texts(content, "images/id", canonical_id)
    return ids, stored_texts(content, "images/name", str), IndexedRows(content, ids)


def _digests(content: HDF5Content, version: int, images: int | None = None) -> dict[str, np.ndarray]:
    """The digests that a file of this version has, memory-mapped, by the names of their datasets."""
    if version < 2:
        return {}
    sizes = {
        "row_digests": ROW_SIZE,
        **({"image_digests": IMAGE_SIZE} if "image_digests" in content.survey.datasets else {}),
    }
    return {name: content.numbers(name, "uint8", (images, size)) for name, size in sizes.items()}


def _with_digests(features: Features, digests: Mapping[str, np.ndarray]) -> Features:
    return replace(features, row_digests=digests.get("row_digests"), image_digests=digests.get("image_digests"))


def _region_starts(content: HDF5Content, images: int, max_regions: int, total_regions: int) -> np.ndarray:
    counts = content.numbers("region_counts", "int32", (images,))
    if counts.min(initial=1) < 1 or counts.max(initial=1) > max_regions or counts.sum(dtype=np.int64) > total_regions:
        raise damaged_file_error(
            content.path, f"its 'region_counts' do not fit {total_regions} regions, at most {max_regions} per image"
        )
    return np.concatenate([[0], counts.cumsum(dtype=np.int64)])


def boxes_in(content: HDF5Content, regions: int) -> np.ndarray | None:
    """The boxes (regions, 4) that a file has; None if it has none. Raises ClcapError for impossible ones."""
    if "boxes" not in content.survey.datasets:
        return None
    return content.numbers_within("boxes", "float32", (regions, 4), 0, 1)


def feature_info_in(content: HDF5Content) -> FeatureInfo:
    """The record of the features that a file stores; raises ClcapError if it is damaged."""
    try:
        record = parse_json(content.survey.attributes.get("backbone", ""), content.path)
        return info_class(record).model_validate(record)
    except (ClcapError, TypeError, ValidationError) as error:
        kind = content.survey.provenance.format.removeprefix("clcap/")
        raise ClcapError(f"{content.path} is not a clcap {kind} file: its backbone record is damaged") from error


def first_nonfinite_row(features: np.ndarray) -> int | None:
    """Index of the first row of float16 ``features`` with a value that is not finite; None if all are finite."""
    # Among the bit patterns of positive numbers, and likewise of negative ones, those of infinity and NaN are the
    # largest integers. Comparing the maximum takes a tenth of the time of isfinite.
    if (
        features.view(np.int16).max(initial=0) < INFINITY_BITS
        and features.view(np.uint16).max(initial=0) < INFINITY_BITS + SIGN_BIT
    ):
        return None
    bad = ~np.isfinite(features.reshape(len(features), -1)).all(axis=1)
    return int(bad.argmax()) if bad.any() else None
