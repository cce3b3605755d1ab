"""Opening and writing HDF5 artifacts."""

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clcap_cli.artifacts.atomic import atomic_write
from clcap_cli.artifacts.checks import check_unique
from clcap_cli.artifacts.hdf5_sink import Sink
from clcap_cli.artifacts.hdf5_survey import TEXT, StoredDataset, Survey, describe_dataset, survey
from clcap_cli.artifacts.provenance import Provenance
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import damaged_file_error
from clcap_cli.input_files import check_readable

if TYPE_CHECKING:
    import h5py


@contextmanager
def open_hdf5(
    path: Path, kind: str | None = None, texts: Collection[str] = ()
) -> Iterator[tuple["HDF5Content", Provenance]]:
    """What an HDF5 artifact holds, of its texts only those in the datasets called ``texts``, and its provenance.

    Raises ClcapError when the file is missing, damaged or cut short, not an artifact of ``kind``, or has what clcap
    never writes.
    """
    check_readable(path)
    found = survey(path, kind, texts)
    yield HDF5Content(path, found), found.provenance


@dataclass(frozen=True)
class HDF5Content:
    """The datasets of an opened file, each as it is expected or refused."""

    path: Path
    found: Survey

    def __getitem__(self, name: str) -> Any:
        """The dataset of this name, or those of the group by their names in it; raises ClcapError if it is missing."""
        datasets = self.found.datasets
        if name in datasets:
            return datasets[name]
        group = f"{name}/"
        inside = {key.removeprefix(group): stored for key, stored in datasets.items() if key.startswith(group)}
        if not inside:
            raise damaged_file_error(self.path, f"it has no '{name}'")
        return inside

    def numbers(self, name: str, kind: str, shape: Sequence[int | None]) -> np.ndarray:
        """A dataset of this type and shape, mapped into memory; None is any size.

        Raises ClcapError when it is of another.
        """
        return self.mapped(self.check(name, kind, shape))

    def texts(self, name: str, count: int | None = None) -> list[str]:
        """``count`` texts, which ``opened`` was asked for; raises ClcapError when there are others."""
        return self.check(name, TEXT, (count,)).texts

    def ids(self, name: str) -> list[ImageId]:
        """Image ids, numbers or texts, which ``opened`` was asked for; raises ClcapError when one comes twice."""
        stored = self[name]
        is_text = isinstance(stored, StoredDataset) and stored.kind == TEXT
        found = [*self.texts(name)] if is_text else self.numbers(name, "int64", (None,)).tolist()
        check_unique(self.path, f"its '{name}'", found)
        return found

    def check(self, name: str, kind: str, shape: Sequence[int | None]) -> StoredDataset:
        """The dataset of this name; raises ClcapError unless it is of this type and shape, None being any size."""
        stored = self[name]
        if isinstance(stored, StoredDataset) and stored.fits(kind, shape):
            return stored
        found = stored if isinstance(stored, StoredDataset) else "a group"
        raise damaged_file_error(self.path, f"its '{name}' is {found}, expected {describe_dataset(kind, shape)}")

    def mapped(self, stored: StoredDataset) -> np.ndarray:
        """The numbers of a dataset, mapped into memory; raises ClcapError when it holds text."""
        if stored.dtype is None:
            raise damaged_file_error(self.path, "it has text where numbers are expected")
        if math.prod(stored.shape) == 0:
            return np.empty(stored.shape, stored.dtype)
        return np.memmap(self.path, stored.dtype, "r", stored.offset, stored.shape)


@contextmanager
def create_hdf5(out: Path) -> Iterator[tuple["h5py.File", Sink]]:
    """A new HDF5 artifact, which gets its name when the block ends well; the sink tells early of a full disk.

    Raises ClcapError when it cannot be written.
    """
    import h5py

    with atomic_write(out) as part, part.open("w+b", buffering=0) as content:
        sink = Sink(content)
        try:
            with h5py.File(sink, "w") as file:
                yield file, sink
        except SystemError as error:  # so h5py words a Ctrl-C that came while HDF5 was calling the sink
            raise KeyboardInterrupt from error
        finally:
            sink.check()  # the cause of whatever HDF5 says


def write_provenance(file: "h5py.File", provenance: Provenance) -> None:
    """Store the record in the file's attributes."""
    file.attrs["provenance"] = provenance.model_dump_json()


def write_ids(group: "h5py.Group", name: str, ids: list[ImageId]) -> None:
    """Store image ids: as int64 when all are numbers, as text otherwise."""
    if ids and all(isinstance(id, int) for id in ids):
        group.create_dataset(name, data=np.asarray(ids, dtype=np.int64))
    else:
        write_texts(group, name, [str(id) for id in ids])


def write_texts(group: "h5py.Group", name: str, texts: list[str]) -> None:
    """Store texts as UTF-8."""
    import h5py

    group.create_dataset(name, data=texts, dtype=h5py.string_dtype(), shape=(len(texts),))
