"""``features.h5``: the features of each image.

::

    ids            (images,) int64 or text
    names          (images,) text: the image's file name in captions.h5
    skipped        (any,) int64 or text: images that were left out because they could not be read
    pooled         (images or more, pooled channels) float16
    grid           (images or more, regions, grid channels) float16
    region_counts  (images,) int32: only where images differ in their number of regions; ``grid`` is then
                   (regions of all images, grid channels), image by image

``pooled`` and ``grid`` are contiguous and uncompressed, so that they can be memory-mapped: a file larger than memory
is fine. They have unused rows at the end where unreadable images were left out; ``ids`` says which rows count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from clcap_cli.artifacts.feature_info import FeatureInfo, ImportedInfo, info_class
from clcap_cli.artifacts.hdf5 import HDF5Content, open_hdf5
from clcap_cli.artifacts.provenance import Provenance
from clcap_cli.datasets.parsing import parse_json
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError, damaged_file_error

KIND = "clcap/features"
INFINITY_BITS, SIGN_BIT = 0x7C00, 0x8000
"""Bits of float16: those of infinity, and of a negative number."""


@dataclass(frozen=True)
class Features:
    """An opened ``features.h5``."""

    path: Path
    provenance: Provenance
    ids: list[ImageId]
    names: list[str]
    """The images' file names, as captions.h5 had them."""
    skipped: list[ImageId]
    """Images that could not be read, and have no features on purpose."""
    backbone: FeatureInfo
    pooled: np.ndarray
    """(images, pooled channels) float16, memory-mapped."""
    grid: np.ndarray
    """(images, regions, grid channels) float16, memory-mapped; (regions of all images, grid channels) where
    ``region_starts`` is given."""
    region_starts: np.ndarray | None = None
    """(images + 1,): image i's regions are the rows region_starts[i] to region_starts[i + 1] of ``grid``."""

    @cached_property
    def _row(self) -> dict[ImageId, int]:
        return {id: row for row, id in enumerate(self.ids)}

    def rows_of(self, ids: Sequence[ImageId]) -> np.ndarray:
        """The rows at which these images' features stand.

        Raises ClcapError that names the first image that has none.
        """
        missing = [id for id in ids if id not in self._row]
        if missing:
            raise ClcapError(
                f"{self.path} has no features of {len(missing)} of {len(ids)} images, the first is {missing[0]}; "
                "extract them from the same captions.h5, or give another file with --features"
            )
        return np.asarray([self._row[id] for id in ids], dtype=np.int64)

    def pooled_at(self, rows: np.ndarray) -> np.ndarray:
        """(rows, pooled channels) float16; raises ClcapError that names an image whose features are damaged."""
        return self._checked(self.pooled[rows], rows)

    def grid_at(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Regions (rows, R, grid channels) float16, zero where an image has fewer, and which it has, (rows, R) bool.

        Raises ClcapError that names an image whose features are damaged.
        """
        if self.region_starts is None:
            return self._checked(self.grid[rows], rows), np.ones((len(rows), self.grid.shape[1]), dtype=bool)
        first, counts = self.region_starts[rows], np.diff(self.region_starts)[rows]
        mask = np.arange(counts.max(initial=1)) < counts[:, None]
        padded = np.zeros((*mask.shape, self.grid.shape[1]), dtype=np.float16)
        for place, (start, count) in enumerate(zip(first, counts, strict=True)):
            padded[place, :count] = self.grid[start : start + count]
        return self._checked(padded, rows), mask

    def _checked(self, features: np.ndarray, rows: np.ndarray) -> np.ndarray:
        bad = first_nonfinite_row(features)
        if bad is not None:
            raise damaged_file_error(self.path, f"the features of image {self.ids[rows[bad]]} are not finite numbers")
        return features


def open_features(path: Path) -> Features:
    """Map a ``features.h5`` into memory; nothing is read until rows are.

    Raises ClcapError when it is missing, damaged, cut short or another kind of file.
    """
    with open_hdf5(path, KIND, ("ids", "names", "skipped")) as (content, provenance):
        backbone = _backbone(content)
        ids, skipped = content.ids("ids"), content.ids("skipped")
        names = content.texts("names", len(ids))
        pooled = content.numbers("pooled", "float16", (None, backbone.pooled_channels))
        ragged = isinstance(backbone, ImportedInfo)
        shape = (None, backbone.grid_channels) if ragged else (None, backbone.regions, backbone.grid_channels)
        grid = content.numbers("grid", "float16", shape)
        starts = _region_starts(content, len(ids), backbone.regions, len(grid)) if ragged else None
    for name, rows in (("pooled", pooled), *([] if ragged else [("grid", grid)])):
        if len(rows) < len(ids):
            raise damaged_file_error(path, f"its '{name}' is of {len(rows)} images, expected {len(ids)}")
    grid = grid if ragged else grid[: len(ids)]
    return Features(path, provenance, ids, names, skipped, backbone, pooled[: len(ids)], grid, starts)


def _region_starts(content: HDF5Content, images: int, most: int, regions: int) -> np.ndarray:
    counts = content.numbers("region_counts", "int32", (images,))
    if counts.min(initial=1) < 1 or counts.max(initial=1) > most or counts.sum(dtype=np.int64) > regions:
        raise damaged_file_error(
            content.path, f"its 'region_counts' do not fit {regions} regions, at most {most} an image"
        )
    return np.concatenate([[0], counts.cumsum(dtype=np.int64)])


def _backbone(content: HDF5Content) -> FeatureInfo:
    try:
        record = parse_json(content.found.attributes.get("backbone", ""), content.path)
        return info_class(record).model_validate(record)
    except (ClcapError, TypeError, ValidationError) as error:
        raise ClcapError(f"{content.path} is not a clcap features file: its backbone record is damaged") from error


def first_nonfinite_row(features: np.ndarray) -> int | None:
    """The first row of float16 numbers that are not all finite; None where all are."""
    # Read as integers, what is not finite is the largest, among the positive ones as among the negative ones; that is
    # found in a tenth of the time.
    if (
        features.view(np.int16).max(initial=0) < INFINITY_BITS
        and features.view(np.uint16).max(initial=0) < INFINITY_BITS + SIGN_BIT
    ):
        return None
    bad = ~np.isfinite(features.reshape(len(features), -1)).all(axis=1)
    return int(bad.argmax()) if bad.any() else None
