"""Writing the ``features.h5`` of import-features, image by image; those of a backbone are written by way of a partial
file (``artifacts/partial_features.py``).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from clcap_cli.artifacts.feature_datasets import check_finite, create_contiguous, write_metadata
from clcap_cli.artifacts.feature_info import ImportedInfo
from clcap_cli.artifacts.features import KIND
from clcap_cli.artifacts.features_growth import earlier_features, extended_features
from clcap_cli.artifacts.hdf5 import create_hdf5
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.row_digests import ROW_SIZE, row_digest, stacked
from clcap_cli.datasets.records import ImageId


def write_regions(
    out: Path,
    names: Mapping[ImageId, str],
    counts: Mapping[ImageId, int],
    regions: Iterable[np.ndarray],
    info: ImportedInfo,
    origin: Origin,
    boxes: Sequence[np.ndarray] | None = None,
) -> None:
    """Write a ``features.h5`` from the ``regions`` of each image in the order of ``counts``: (counts[id], channels).

    The pooled vector is the mean of the regions. Images of ``names`` without an entry in ``counts`` are recorded as
    skipped. ``boxes`` are those of the images, (counts[id], 4) float32, if they are known; they do not enter the file's
    id, because no model reads them. Raises ClcapError for features that are not finite in float16, and as soon as the
    disk is full.
    """
    earlier = earlier_features(out)
    hasher = hashlib.sha256(info.model_dump_json().encode())
    ids, starts = list(counts), np.concatenate([[0], np.cumsum(list(counts.values()))])
    digests = []
    with create_hdf5(out) as (file, sink):
        pooled = create_contiguous(file, "pooled", "<f2", (len(ids), info.pooled_channels))
        grid = create_contiguous(file, "grid", "<f2", (int(starts[-1]), info.grid_channels))
        for row, (id, exact) in enumerate(zip(ids, regions, strict=True)):
            with np.errstate(over="ignore"):  # overflow to infinity is reported by check_finite
                own = np.ascontiguousarray(exact, dtype=np.float16)
            check_finite(own[None], [id])
            mean = own.mean(axis=0, dtype=np.float32).astype(np.float16)
            pooled[row], grid[starts[row] : starts[row + 1]] = mean, own
            hasher.update(own.data)
            digests.append(row_digest(mean, own))
            sink.check()
        file["region_counts"] = np.diff(starts).astype(np.int32)
        if boxes is not None:
            file["boxes"] = np.concatenate(boxes)
        file["row_digests"] = stacked(digests, ROW_SIZE)
        extends = extended_features(earlier, dict(zip(ids, digests, strict=True)))
        provenance = origin.make_provenance(KIND, "", out).model_copy(update={"extends": extends})
        write_metadata(file, names, ids, info, hasher, provenance)
