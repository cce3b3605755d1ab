"""The datasets of ``features.h5`` as a writer creates them: contiguous, at positions that are known in advance."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, NonNegativeInt

from clcap_cli.artifacts.feature_info import BackboneInfo, FeatureInfo
from clcap_cli.artifacts.features import first_nonfinite_row
from clcap_cli.artifacts.hdf5 import stored_ids, write_ids, write_provenance, write_texts
from clcap_cli.artifacts.image_rows import write_rows
from clcap_cli.artifacts.provenance import Provenance, with_content_id
from clcap_cli.artifacts.row_digests import IMAGE_SIZE, ROW_SIZE
from clcap_cli.artifacts.stored_texts import write_stored_texts
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    import h5py


class Layout(BaseModel, frozen=True):
    """Positions of the datasets in the file, in bytes."""

    pooled: NonNegativeInt
    grid: NonNegativeInt
    row_digests: NonNegativeInt
    image_digests: NonNegativeInt


def create_row_datasets(file: "h5py.File", info: BackboneInfo, images: int) -> Layout:
    """Create the datasets with one row per image; the same arguments give the same layout."""
    shapes = {
        "pooled": ("<f2", (images, info.pooled_channels)),
        "grid": ("<f2", (images, info.regions, info.grid_channels)),
        "row_digests": ("u1", (images, ROW_SIZE)),
        "image_digests": ("u1", (images, IMAGE_SIZE)),
    }
    created = {name: create_contiguous(file, name, *shape) for name, shape in shapes.items()}
    return Layout(**{name: dataset.id.get_offset() for name, dataset in created.items()})


def create_contiguous(file: "h5py.File", name: str, dtype: str, shape: tuple[int, ...]) -> "h5py.Dataset":
    """Create a contiguous dataset without writing its values."""
    import h5py

    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_layout(h5py.h5d.CONTIGUOUS)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(np.dtype(dtype)), space, layout)
    return file[name]


def write_metadata(
    file: "h5py.File",
    names: Mapping[ImageId, str],
    ids: list[ImageId],
    info: FeatureInfo,
    hasher: "hashlib._Hash",
    provenance: Provenance,
    as_index: bool = False,
) -> None:
    """Write image ids, file names, feature info and provenance; ``hasher``, which has all rows, gives the content id.

    Images of ``names`` that are not in ``ids`` are recorded as skipped. ``as_index`` writes ids and names so that some
    of them can be read without the others.
    """
    file_names, extracted = [names[id] for id in ids], set(ids)
    stored = dict(zip(names, stored_ids(list(names)), strict=True))
    kept, skipped = [stored[id] for id in ids], [stored[id] for id in names if id not in extracted]
    hasher.update(json.dumps([kept, file_names, skipped]).encode())
    (_write_indexed_images if as_index else _write_images)(file, kept, file_names)
    write_ids(file, "skipped", skipped)
    file.attrs["backbone"] = info.model_dump_json()
    write_provenance(file, with_content_id(provenance, hasher.hexdigest()[:16]))


def _write_images(file: "h5py.File", ids: Sequence[ImageId], names: list[str]) -> None:
    write_ids(file, "ids", ids)
    write_texts(file, "names", names)


def _write_indexed_images(file: "h5py.File", ids: Sequence[ImageId], names: list[str]) -> None:
    write_stored_texts(file, "images/id", [str(id) for id in ids])
    write_stored_texts(file, "images/name", names)
    write_rows(file, ids)


def check_finite(features: np.ndarray, ids: Sequence[ImageId]) -> None:
    """Raise ClcapError that names the first image whose features are not finite."""
    row = first_nonfinite_row(features)
    if row is not None:
        raise ClcapError(f"image {ids[row]} has features that are not finite in float16")
