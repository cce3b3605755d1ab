"""``features.h5``: what a backbone saw in each image.

::

    ids      (images,) int64 or text
    names    (images,) text: the image's file name in captions.h5
    skipped  (any,) int64 or text: images that were left out because they could not be read
    pooled   (images or more, pooled channels) float16
    grid     (images or more, regions, grid channels) float16

``pooled`` and ``grid`` are contiguous and uncompressed, so that they can be memory-mapped: a file larger than memory
is fine. They have unused rows at the end where unreadable images were left out; ``ids`` says which rows count.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, PositiveFloat, PositiveInt, ValidationError

from clcap_cli.artifacts.hdf5 import Content, created, opened, write_ids, write_provenance, write_texts
from clcap_cli.artifacts.provenance import Origin, Provenance
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError, damaged

if TYPE_CHECKING:
    import h5py

KIND = "clcap/features"
INFINITE, SIGN = 0x7C00, 0x8000
"""Bits of float16: those of infinity, and of a negative number."""


class BackboneInfo(BaseModel, frozen=True):
    """Which network made features, from which weights, and how it was shown the images."""

    name: str
    weights: str
    """Where the weights came from: 'bundled', 'timm', 'random' or a file's name."""
    weights_id: str
    """Digest of the weights themselves."""
    image_size: PositiveInt
    """Pixels; images are scaled and cropped to a square of this side."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    crop_pct: PositiveFloat
    regions: PositiveInt
    grid_channels: PositiveInt
    pooled_channels: PositiveInt

    def differences(self, other: "BackboneInfo") -> list[str]:
        """The names of what differs between the two."""
        mine, theirs = self.model_dump(exclude={"weights"}), other.model_dump(exclude={"weights"})
        return [name for name in mine if mine[name] != theirs[name]]

    @property
    def scaled_to(self) -> int:
        """Pixels of an image's shorter side before the square is cut out."""
        return math.floor(self.image_size / self.crop_pct)

    def bytes_per_image(self) -> int:
        """Size of one image's features in the file."""
        return 2 * (self.regions * self.grid_channels + self.pooled_channels)


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
    backbone: BackboneInfo
    pooled: np.ndarray
    """(images, pooled channels) float16, memory-mapped."""
    grid: np.ndarray
    """(images, regions, grid channels) float16, memory-mapped."""

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

    def grid_at(self, rows: np.ndarray) -> np.ndarray:
        """(rows, regions, grid channels) float16; raises ClcapError that names an image whose features are damaged."""
        return self._checked(self.grid[rows], rows)

    def _checked(self, features: np.ndarray, rows: np.ndarray) -> np.ndarray:
        bad = _first_not_finite(features)
        if bad is not None:
            raise damaged(self.path, f"the features of image {self.ids[rows[bad]]} are not finite numbers")
        return features


def open_features(path: Path) -> Features:
    """Map a ``features.h5`` into memory; nothing is read until rows are.

    Raises ClcapError when it is missing, damaged, cut short or another kind of file.
    """
    with opened(path, KIND, ("ids", "names", "skipped")) as (content, provenance):
        backbone = _backbone(content)
        ids, skipped = content.ids("ids"), content.ids("skipped")
        names = content.texts("names", len(ids))
        pooled = content.numbers("pooled", "float16", (None, backbone.pooled_channels))
        grid = content.numbers("grid", "float16", (None, backbone.regions, backbone.grid_channels))
    for name, rows in (("pooled", pooled), ("grid", grid)):
        if len(rows) < len(ids):
            raise damaged(path, f"its '{name}' is of {len(rows)} images, expected {len(ids)}")
    return Features(path, provenance, ids, names, skipped, backbone, pooled[: len(ids)], grid[: len(ids)])


def _backbone(content: Content) -> BackboneInfo:
    try:
        return BackboneInfo.model_validate_json(content.found.attributes.get("backbone", ""))
    except ValidationError as error:
        raise ClcapError(f"{content.path} is not a clcap features file: its backbone record is damaged") from error


def write_features(
    out: Path,
    names: Mapping[ImageId, str],
    backbone: BackboneInfo,
    batches: Iterable[tuple[Sequence[ImageId], np.ndarray, np.ndarray]],
    origin: Origin,
) -> None:
    """Write a ``features.h5`` from batches of (ids, pooled, grid); images of ``names`` that have none were skipped.

    Raises ClcapError for features that are not finite numbers in float16, and as soon as the disk is full.
    """
    state = hashlib.sha256(backbone.model_dump_json(exclude={"weights"}).encode())
    ids: list[ImageId] = []
    with created(out) as (file, sink):
        pooled = _contiguous(file, "pooled", (len(names), backbone.pooled_channels))
        grid = _contiguous(file, "grid", (len(names), backbone.regions, backbone.grid_channels))
        for batch_ids, *arrays in batches:
            rows = slice(len(ids), len(ids) + len(batch_ids))
            for dataset, array in zip((pooled, grid), arrays, strict=True):
                half = np.ascontiguousarray(array, dtype=np.float16)
                _check_finite(half, batch_ids)
                dataset[rows] = half
                state.update(half.data)
            ids.extend(batch_ids)
            sink.check()
        written = [names[id] for id in ids]
        had = set(ids)
        skipped = [id for id in names if id not in had]
        state.update(json.dumps([ids, written, skipped]).encode())
        write_ids(file, "ids", ids)
        write_texts(file, "names", written)
        write_ids(file, "skipped", skipped)
        file.attrs["backbone"] = backbone.model_dump_json()
        write_provenance(file, origin.stamp(KIND, state.hexdigest()[:16], out))


def _check_finite(features: np.ndarray, ids: Sequence[ImageId]) -> None:
    bad = _first_not_finite(features)
    if bad is not None:
        raise ClcapError(f"the backbone gave image {ids[bad]} features that are not finite in float16")


def _first_not_finite(features: np.ndarray) -> int | None:
    """The first row of float16 numbers that are not all finite."""
    # Read as integers, what is not finite is the largest, among the positive ones as among the negative ones; that is
    # found in a tenth of the time.
    if features.view(np.int16).max(initial=0) < INFINITE and features.view(np.uint16).max(initial=0) < INFINITE + SIGN:
        return None
    bad = ~np.isfinite(features.reshape(len(features), -1)).all(axis=1)
    return int(bad.argmax()) if bad.any() else None


def _contiguous(file: "h5py.File", name: str, shape: tuple[int, ...]) -> "h5py.Dataset":
    import h5py

    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_layout(h5py.h5d.CONTIGUOUS)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F16LE, space, layout)
    return file[name]
