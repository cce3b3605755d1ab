"""What each kind of HDF5 artifact contains: its datasets, their types, shapes and places in the file.

All of it is checked right after a file was surveyed and before any number is read. Datasets that are not listed are
ignored. The readers of each kind check what follows from the content: the range of tokens, the order of rows, and the
sizes that a record of the file states, such as the channels of features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clcap_cli.artifacts.hdf5_survey import TEXT, StoredDataset, describe_dataset, size_in_bytes
from clcap_cli.errors import damaged_file_error

SIGNATURE_SIZE = 48
"""Number of bytes at the start of a file that never belong to a dataset."""


@dataclass(frozen=True)
class Expected:
    """The type and the shape of a dataset."""

    kinds: tuple[str, ...]
    """Names of the types that it may have."""
    shape: tuple[str | int, ...]
    """The sizes; those with the same name are equal, and those without a name are any."""
    optional: bool = False


TEXTS, IDS = (TEXT,), ("int64", TEXT)
SCHEMAS: Mapping[str, Mapping[str, Expected]] = {
    "clcap/captions": {
        "images/id": Expected(IDS, ("images",)),
        "vocabulary": Expected(TEXTS, ("",)),
        "captions/tokens": Expected(("int32",), ("captions", "")),
        "captions/lengths": Expected(("int32",), ("captions",)),
        "captions/image": Expected(("int32",), ("captions",)),
        "captions/raw": Expected(TEXTS, ("captions",)),
        "segmentation": Expected(TEXTS, (1,), optional=True),
        "images/file_name": Expected(TEXTS, ("images",)),
        "images/split": Expected(TEXTS, ("images",)),
    },
    "clcap/features": {
        "ids": Expected(IDS, ("images",), optional=True),
        "skipped": Expected(IDS, ("",)),
        "names": Expected(TEXTS, ("images",), optional=True),
        "region_counts": Expected(("int32",), ("images",), optional=True),
        "boxes": Expected(("float32",), ("", 4), optional=True),
        "row_digests": Expected(("uint8",), ("", ""), optional=True),
        "image_digests": Expected(("uint8",), ("", ""), optional=True),
        "images/id_text": Expected(("uint8",), ("",), optional=True),
        "images/id_ends": Expected(("int64",), ("images",), optional=True),
        "images/name_text": Expected(("uint8",), ("",), optional=True),
        "images/name_ends": Expected(("int64",), ("images",), optional=True),
        "images/hashes": Expected(("uint64",), ("images",), optional=True),
        "images/rows": Expected(("int64",), ("images",), optional=True),
        "shards/names": Expected(TEXTS, ("shards",), optional=True),
        "shards/rows": Expected(("int64",), ("shards",), optional=True),
        "shards/pooled": Expected(("int64",), ("shards",), optional=True),
        "shards/grid": Expected(("int64",), ("shards",), optional=True),
    },
    "clcap/log-probs": {
        "id": Expected(IDS, ("images",)),
        "caption": Expected(TEXTS, ("images",)),
        "log_prob": Expected(("float32",), ("images", "images")),
    },
    "clcap/attention": {
        "id": Expected(IDS, ("images",)),
        "caption": Expected(TEXTS, ("captions",)),
        "lengths": Expected(("int32",), ("captions",)),
        "ends": Expected(("int32",), ("tokens",)),
        "weights": Expected(("float16",), ("tokens", "regions")),
        "sentinel": Expected(("float16",), ("tokens",), optional=True),
        "region_counts": Expected(("int32",), ("images",), optional=True),
        "boxes": Expected(("float32",), ("", 4), optional=True),
    },
    "clcap/neighbours": {},
    "clcap/reference-log-probs": {},
    "clcap/tokens": {
        "arrays/tokens": Expected(("int32",), ("captions", "")),
        "arrays/lengths": Expected(("int32",), ("captions",)),
    },
}
"""The datasets of each kind of artifact; the arrays of other caches have names that depend on what they cache."""


def check_schema(path: Path, kind: str, datasets: Mapping[str, StoredDataset]) -> None:
    """Raise ClcapError unless the file at ``path`` has the datasets of its ``kind``, each at a place of its own."""
    sizes: dict[str, int] = {}
    for name, expected in SCHEMAS.get(kind, {}).items():
        if name in datasets:
            _check_dataset(path, name, datasets[name], expected, sizes)
        elif any(other.startswith(f"{name}/") for other in datasets):
            raise damaged_file_error(path, f"its '{name}' is a group, expected {_described(expected, sizes)}")
        elif not expected.optional:
            raise damaged_file_error(path, f"it has no '{name}'")
    _check_places(path, datasets)


def _check_dataset(path: Path, name: str, found: StoredDataset, expected: Expected, sizes: dict[str, int]) -> None:
    if found.kind not in expected.kinds or not found.matches(found.kind, _shape(expected, sizes)):
        raise damaged_file_error(path, f"its '{name}' is {found}, expected {_described(expected, sizes)}")
    sizes |= {size: value for size, value in zip(expected.shape, found.shape, strict=True) if isinstance(size, str)}
    sizes.pop("", None)


def _shape(expected: Expected, sizes: Mapping[str, int]) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) else sizes.get(size) for size in expected.shape)


def _described(expected: Expected, sizes: Mapping[str, int]) -> str:
    return describe_dataset(expected.kinds[0], _shape(expected, sizes))


def _check_places(path: Path, datasets: Mapping[str, StoredDataset]) -> None:
    """Raise ClcapError if datasets overlap each other or the start of the file, as no program writes them."""
    stored = sorted((item.offset, item.offset + size_in_bytes(item), name) for name, item in datasets.items())
    end, before = SIGNATURE_SIZE, "the start of the file"
    for start, stop, name in stored:
        if stop > start and start < end:
            raise damaged_file_error(path, f"its '{name}' overlaps {before}")
        if stop > start:
            end, before = stop, f"its '{name}'"
