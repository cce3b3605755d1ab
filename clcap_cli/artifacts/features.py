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
from pydantic import BaseModel, ValidationError

from clcap_cli.artifacts.atomic import written_whole
from clcap_cli.artifacts.hdf5 import opened, read_ids, read_texts, write_ids, write_provenance, write_texts
from clcap_cli.artifacts.provenance import Origin, Provenance
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    import h5py

KIND = "clcap/features"


class BackboneInfo(BaseModel, frozen=True):
    """Which network made features, from which weights, and how it was shown the images."""

    name: str
    weights: str
    """Where the weights came from: 'bundled', 'timm', 'random' or a file's name."""
    weights_id: str
    """Digest of the weights themselves."""
    image_size: int
    """Pixels; images are scaled and cropped to a square of this side."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    crop_pct: float
    regions: int
    grid_channels: int
    pooled_channels: int

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


def open_features(path: Path) -> Features:
    """Map a ``features.h5`` into memory; nothing is read until rows are.

    Raises ClcapError when it is missing, damaged, cut short or another kind of file.
    """
    with opened(path, KIND) as (file, provenance):
        try:
            backbone = BackboneInfo.model_validate_json(file.attrs["backbone"])
        except ValidationError as error:
            raise ClcapError(f"{path} is not a clcap features file: its backbone record is damaged") from error
        ids, names, skipped = read_ids(file, "ids"), read_texts(file, "names"), read_ids(file, "skipped")
        places = [(file[name].id.get_offset(), file[name].shape) for name in ("pooled", "grid")]
    size = path.stat().st_size
    for offset, shape in places:
        if offset is None or offset + 2 * int(np.prod(shape)) > size or shape[0] < len(ids):
            raise ClcapError(f"{path} is not whole: it is shorter than its header says; make it again")
    pooled, grid = (np.memmap(path, np.float16, "r", offset, shape)[: len(ids)] for offset, shape in places)
    return Features(path, provenance, ids, names, skipped, backbone, pooled, grid)


def write_features(
    out: Path,
    names: Mapping[ImageId, str],
    backbone: BackboneInfo,
    batches: Iterable[tuple[Sequence[ImageId], np.ndarray, np.ndarray]],
    origin: Origin,
) -> None:
    """Write a ``features.h5`` from batches of (ids, pooled, grid); images of ``names`` that have none were skipped.

    Raises ClcapError for features that are not finite numbers in float16.
    """
    import h5py

    state = hashlib.sha256(backbone.model_dump_json(exclude={"weights"}).encode())
    ids: list[ImageId] = []
    with written_whole(out) as part, h5py.File(part, "w") as file:
        pooled = _contiguous(file, "pooled", (len(names), backbone.pooled_channels))
        grid = _contiguous(file, "grid", (len(names), backbone.regions, backbone.grid_channels))
        for batch_ids, batch_pooled, batch_grid in batches:
            rows = slice(len(ids), len(ids) + len(batch_ids))
            pooled[rows], grid[rows] = batch_pooled, batch_grid
            for array in (batch_pooled, batch_grid):
                _check_finite(array, batch_ids)
                state.update(np.ascontiguousarray(array, dtype=np.float16).tobytes())
            ids.extend(batch_ids)
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
    bad = ~np.isfinite(features.reshape(len(features), -1)).all(axis=1)
    if bad.any():
        raise ClcapError(f"the backbone gave image {ids[int(bad.argmax())]} features that are not finite in float16")


def _contiguous(file: "h5py.File", name: str, shape: tuple[int, ...]) -> "h5py.Dataset":
    import h5py

    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_layout(h5py.h5d.CONTIGUOUS)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F16LE, space, layout)
    return file[name]
