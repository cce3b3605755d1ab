"""Reading and writing HDF5 artifacts."""

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clcap_cli.artifacts.atomic import atomic_write
from clcap_cli.artifacts.checks import check_unique
from clcap_cli.artifacts.hdf5_schemas import check_schema
from clcap_cli.artifacts.hdf5_survey import TEXT, StoredDataset, Survey, describe_dataset, survey
from clcap_cli.artifacts.provenance import Provenance
from clcap_cli.artifacts.sink import Sink
from clcap_cli.datasets.ids import canonical_id
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import damaged_file_error
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.file_kinds.recognition import wrong_file_error
from clcap_cli.file_kinds.signatures import HDF5
from clcap_cli.input_files import check_readable

if TYPE_CHECKING:
    import h5py


@contextmanager
def open_hdf5(
    path: Path, kind: str | None = None, texts: Collection[str] = ()
) -> Iterator[tuple["HDF5Content", Provenance]]:
    """Yield the content of an HDF5 artifact, with the text datasets named in ``texts``, and its provenance.

    Raises ClcapError if the file is missing, damaged or truncated, is not an artifact of ``kind``, or uses features of
    HDF5 that clcap never writes.
    """
    check_readable(path)
    _check_signature(path, kind)
    surveyed = survey(path, kind, texts)
    check_schema(path, surveyed.provenance.format, surveyed.datasets)
    yield HDF5Content(path, surveyed), surveyed.provenance


def _check_signature(path: Path, kind: str | None) -> None:
    """Raise ClcapError that says what the file is unless it is an HDF5 file."""
    with path.open("rb") as file:
        signature = file.read(len(HDF5))
    if not signature or not HDF5.startswith(signature):
        raise wrong_file_error(path, description_of(kind) if kind else "an HDF5 file")


@dataclass(frozen=True)
class HDF5Content:
    """The datasets of an opened file; each is checked when it is accessed."""

    path: Path
    survey: Survey

    def __getitem__(self, name: str) -> Any:
        """The dataset called ``name``, or the datasets of that group by name; raises ClcapError if it is missing."""
        datasets = self.survey.datasets
        if name in datasets:
            return datasets[name]
        prefix = f"{name}/"
        group = {key.removeprefix(prefix): dataset for key, dataset in datasets.items() if key.startswith(prefix)}
        if not group:
            raise damaged_file_error(self.path, f"it has no '{name}'")
        return group

    def numbers(self, name: str, kind: str, shape: Sequence[int | None]) -> np.ndarray:
        """The numbers of a dataset, memory-mapped; None in ``shape`` stands for any size.

        Raises ClcapError if its type or shape is different.
        """
        return self.memory_map(self.check(name, kind, shape))

    def numbers_within(
        self, name: str, kind: str, shape: Sequence[int | None], smallest: int, largest: int
    ) -> np.ndarray:
        """``numbers``; raises ClcapError also for a number that is not between ``smallest`` and ``largest``."""
        numbers = self.numbers(name, kind, shape)
        if not (numbers.min(initial=smallest) >= smallest and numbers.max(initial=largest) <= largest):  # also for NaN
            raise damaged_file_error(self.path, f"its '{name}' has values that are not from {smallest} to {largest}")
        return numbers

    def texts(self, name: str, count: int | None = None) -> list[str]:
        """The texts of a dataset that was requested in ``open_hdf5``; raises ClcapError unless there are ``count``."""
        return self.check(name, TEXT, (count,)).texts

    def ids(self, name: str) -> list[ImageId]:
        """The image ids of a dataset; raises ClcapError for a duplicate.

        Ids that are texts must have been requested in ``open_hdf5``.
        """
        dataset = self[name]
        is_text = isinstance(dataset, StoredDataset) and dataset.kind == TEXT
        numbers = () if is_text else self.numbers(name, "int64", (None,)).tolist()
        ids = [canonical_id(text) for text in self.texts(name)] if is_text else [*numbers]
        check_unique(self.path, f"its '{name}'", ids)
        return ids

    def check(self, name: str, kind: str, shape: Sequence[int | None]) -> StoredDataset:
        """The dataset called ``name``; raises ClcapError unless its type and shape match (None is any size)."""
        dataset = self[name]
        if isinstance(dataset, StoredDataset) and dataset.matches(kind, shape):
            return dataset
        found = dataset if isinstance(dataset, StoredDataset) else "a group"
        raise damaged_file_error(self.path, f"its '{name}' is {found}, expected {describe_dataset(kind, shape)}")

    def memory_map(self, dataset: StoredDataset) -> np.ndarray:
        """The numbers of a dataset, memory-mapped; raises ClcapError if it contains text."""
        if dataset.dtype is None:
            raise damaged_file_error(self.path, "it contains text where numbers are expected")
        if math.prod(dataset.shape) == 0:
            return np.empty(dataset.shape, dataset.dtype)
        return np.memmap(self.path, dataset.dtype, "r", dataset.offset, dataset.shape)


@contextmanager
def create_hdf5(out: Path) -> Iterator[tuple["h5py.File", Sink]]:
    """Yield a new HDF5 file, written atomically, and its sink, whose ``check`` reports a full disk early.

    Raises ClcapError if the file cannot be written.
    """
    with atomic_write(out) as part, part.open("w+b", buffering=0) as content:
        sink = Sink(content)
        with hdf5_in(sink) as file:
            yield file, sink


@contextmanager
def hdf5_in(sink: Sink) -> Iterator["h5py.File"]:
    """Yield a new HDF5 file that is written to ``sink``; raises OSError if a write failed."""
    import h5py

    try:
        with h5py.File(sink, "w") as file:
            yield file
    except SystemError as error:  # h5py raises it for a Ctrl-C that arrives while HDF5 calls the sink
        raise KeyboardInterrupt from error
    finally:
        sink.check()  # the cause of any error that HDF5 reports


def write_provenance(file: "h5py.File", provenance: Provenance) -> None:
    """Store provenance as an attribute of the file."""
    file.attrs["provenance"] = provenance.model_dump_json()


def stored_ids(ids: Sequence[ImageId]) -> list[ImageId]:
    """Image ids as files store them and as content ids are computed: numbers if all are, otherwise text."""
    return [*ids] if all(isinstance(id, int) for id in ids) else [str(id) for id in ids]


def write_ids(group: "h5py.Group", name: str, ids: Sequence[ImageId]) -> None:
    """Store image ids as int64 if all are numbers, as text otherwise."""
    stored = stored_ids(ids)
    if stored and all(isinstance(id, int) for id in stored):
        group.create_dataset(name, data=np.asarray(stored, dtype=np.int64))
    else:
        write_texts(group, name, [str(id) for id in stored])


def write_texts(group: "h5py.Group", name: str, texts: list[str]) -> None:
    """Store texts as UTF-8."""
    import h5py

    group.create_dataset(name, data=texts, dtype=h5py.string_dtype(), shape=(len(texts),))
