"""Opening and writing HDF5 artifacts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.artifacts.provenance import Provenance, parse_provenance
from clcap_cli.datasets.reading import parse_json
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import check_readable

if TYPE_CHECKING:
    import h5py


@contextmanager
def opened(path: Path, kind: str | None = None) -> Iterator[tuple["h5py.File", Provenance]]:
    """An HDF5 artifact, open for reading, and its provenance.

    Raises ClcapError when the file is missing, damaged or cut short, or not an artifact of ``kind``.
    """
    import h5py

    check_readable(path)
    try:
        with h5py.File(path, "r") as file:
            yield file, parse_provenance(_attribute(file, "provenance", path), path, kind)
    except (OSError, KeyError, RuntimeError, UnicodeDecodeError) as error:
        raise ClcapError(
            f"{path} is not a readable HDF5 file (damaged or cut short): {_short(error)}; make it again"
        ) from error


def write_provenance(file: "h5py.File", provenance: Provenance) -> None:
    """Store the record in the file's attributes."""
    file.attrs["provenance"] = provenance.model_dump_json()


def write_ids(group: "h5py.Group", name: str, ids: list[ImageId]) -> None:
    """Store image ids: as int64 when all are numbers, as text otherwise."""
    if ids and all(isinstance(id, int) for id in ids):
        group.create_dataset(name, data=np.asarray(ids, dtype=np.int64))
    else:
        write_texts(group, name, [str(id) for id in ids])


def read_ids(group: "h5py.Group", name: str) -> list[ImageId]:
    """Image ids as they were stored."""
    if group[name].dtype.kind == "i":
        return group[name][:].tolist()
    return [*read_texts(group, name)]


def write_texts(group: "h5py.Group", name: str, texts: list[str]) -> None:
    """Store texts as UTF-8."""
    import h5py

    group.create_dataset(name, data=texts, dtype=h5py.string_dtype(), shape=(len(texts),))


def read_texts(group: "h5py.Group", name: str) -> list[str]:
    """Texts as they were stored."""
    return group[name].asstr()[:].tolist()


def _attribute(file: "h5py.File", name: str, path: Path) -> object:
    if name not in file.attrs:
        raise ClcapError(f"{path} is an HDF5 file, but not one that clcap wrote")
    try:
        return parse_json(file.attrs[name], path)
    except (ClcapError, TypeError) as error:
        raise ClcapError(f"{path} is not a clcap file: its provenance is damaged") from error


def _short(error: Exception) -> str:
    """HDF5's reason without the details that only its developers can read."""
    return str(error).strip("'\"").split(" (", 1)[-1].rstrip(")").split(":")[0]
