"""Writing ``features.h5``: a backbone's features batch by batch, or imported region features image by image."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.artifacts.feature_info import BackboneInfo, FeatureInfo, ImportedInfo
from clcap_cli.artifacts.features import KIND, first_nonfinite_row
from clcap_cli.artifacts.hdf5 import create_hdf5, stored_ids, write_ids, write_provenance, write_texts
from clcap_cli.artifacts.provenance import Origin, Provenance
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    import h5py


def write_features(
    out: Path,
    names: Mapping[ImageId, str],
    backbone: BackboneInfo,
    batches: Iterable[tuple[Sequence[ImageId], np.ndarray, np.ndarray]],
    origin: Origin,
) -> None:
    """Write a ``features.h5`` from batches of (ids, pooled, grid).

    Images of ``names`` that are in no batch are recorded as skipped. Raises ClcapError for features that are not finite
    in float16, and as soon as the disk is full.
    """
    hasher = hashlib.sha256(backbone.model_dump_json(exclude={"weights"}).encode())
    ids: list[ImageId] = []
    with create_hdf5(out) as (file, sink):
        pooled = _create_contiguous(file, "pooled", (len(names), backbone.pooled_channels))
        grid = _create_contiguous(file, "grid", (len(names), backbone.regions, backbone.grid_channels))
        for batch_ids, *arrays in batches:
            rows = slice(len(ids), len(ids) + len(batch_ids))
            for dataset, array in zip((pooled, grid), arrays, strict=True):
                half = np.ascontiguousarray(array, dtype=np.float16)
                _check_finite(half, batch_ids)
                dataset[rows] = half
                hasher.update(half.data)
            ids.extend(batch_ids)
            sink.check()
        _write_metadata(file, names, ids, backbone, hasher, origin.make_provenance(KIND, "", out))


def write_regions(
    out: Path,
    names: Mapping[ImageId, str],
    counts: Mapping[ImageId, int],
    read: Callable[[ImageId], np.ndarray],
    info: ImportedInfo,
    origin: Origin,
) -> None:
    """Write a ``features.h5`` from the regions that ``read`` returns for each image: (counts[id], channels).

    The pooled vector is the mean of the regions. Images of ``names`` without an entry in ``counts`` are recorded as
    skipped. Raises ClcapError for features that are not finite in float16, and as soon as the disk is full.
    """
    hasher = hashlib.sha256(info.model_dump_json().encode())
    ids, starts = list(counts), np.concatenate([[0], np.cumsum(list(counts.values()))])
    with create_hdf5(out) as (file, sink):
        pooled = _create_contiguous(file, "pooled", (len(ids), info.pooled_channels))
        grid = _create_contiguous(file, "grid", (int(starts[-1]), info.grid_channels))
        for row, id in enumerate(ids):
            with np.errstate(over="ignore"):  # overflow to infinity is reported by _check_finite
                regions = np.ascontiguousarray(read(id), dtype=np.float16)
            _check_finite(regions[None], [id])
            pooled[row], grid[starts[row] : starts[row + 1]] = regions.mean(axis=0, dtype=np.float32), regions
            hasher.update(regions.data)
            sink.check()
        file["region_counts"] = np.diff(starts).astype(np.int32)
        _write_metadata(file, names, ids, info, hasher, origin.make_provenance(KIND, "", out))


def _write_metadata(
    file: "h5py.File",
    names: Mapping[ImageId, str],
    ids: list[ImageId],
    info: FeatureInfo,
    hasher: "hashlib._Hash",
    provenance: Provenance,
) -> None:
    """Write image ids, file names, feature info and provenance; ``hasher`` gives the content id."""
    file_names, extracted = [names[id] for id in ids], set(ids)
    stored = dict(zip(names, stored_ids(list(names)), strict=True))
    kept, skipped = [stored[id] for id in ids], [stored[id] for id in names if id not in extracted]
    hasher.update(json.dumps([kept, file_names, skipped]).encode())
    write_ids(file, "ids", kept)
    write_texts(file, "names", file_names)
    write_ids(file, "skipped", skipped)
    file.attrs["backbone"] = info.model_dump_json()
    write_provenance(file, provenance.model_copy(update={"id": hasher.hexdigest()[:16]}))


def _check_finite(features: np.ndarray, ids: Sequence[ImageId]) -> None:
    row = first_nonfinite_row(features)
    if row is not None:
        raise ClcapError(f"image {ids[row]} has features that are not finite in float16")


def _create_contiguous(file: "h5py.File", name: str, shape: tuple[int, ...]) -> "h5py.Dataset":
    import h5py

    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_layout(h5py.h5d.CONTIGUOUS)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F16LE, space, layout)
    return file[name]
