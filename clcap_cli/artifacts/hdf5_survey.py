"""Survey of the datasets and texts of an HDF5 file, read in a child process.

On a damaged file the HDF5 library may crash, or loop forever and ignore Ctrl-C; in a child process this does no harm.
HDF5 itself reads no numbers here: the survey holds their offsets in the file, from which they are memory-mapped.
"""

import math
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from clcap_cli.artifacts.hdf5_limits import allow_one_file, limit_resources
from clcap_cli.artifacts.hdf5_opening import open_for_reading
from clcap_cli.artifacts.hdf5_process import HDF5Processes, ProcessEndedError
from clcap_cli.artifacts.provenance import Provenance, parse_provenance
from clcap_cli.datasets.parsing import parse_json
from clcap_cli.errors import ClcapError, damaged_file_error, first_few
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.file_kinds.recognition import ForeignFileError

if TYPE_CHECKING:
    import h5py

Found = TypeVar("Found")

CPU_SECONDS = 0.8
"""Limit of processor time in seconds; wall-clock time would make intact files on a slow disk look damaged."""
ATTRIBUTES = ("provenance", "backbone")
"""Attributes of the file that are read; both contain JSON."""
ADVICE = {"clcap/features": ": import-features reads features of other programs"}
"""What to do with a file of another program, by the kind that is expected."""
MAX_DATASETS = 1000
"""Maximum number of datasets; a small file can declare the same ones millions of times."""
MAX_DEPTH = 2
"""Maximum number of parts in a dataset's name: its group and the dataset."""
TEXT = "text"
SEPARATOR = "\0"
"""Separator of texts; no text in HDF5 contains it."""
PROCESSES = HDF5Processes()
TEXT_REFERENCE = 8
"""Minimum size in bytes of the reference that the file stores for each text."""


@dataclass(frozen=True)
class StoredDataset:
    """A dataset's shape, type and position in the file."""

    shape: tuple[int, ...]
    dtype: np.dtype | None
    """Type of the numbers; None for texts."""
    offset: int
    """Position of the first byte in the file."""
    joined: str = ""
    """The texts, if they were requested, joined by ``SEPARATOR``; sending them one by one takes ten times as long."""

    def __str__(self) -> str:
        return describe_dataset(self.kind, self.shape)

    @property
    def kind(self) -> str:
        """Name of the type, including the byte order if it is not the machine's."""
        return TEXT if self.dtype is None else str(self.dtype)

    @property
    def texts(self) -> list[str]:
        """The texts, if they were requested."""
        return self.joined.split(SEPARATOR) if self.shape[0] else []

    def matches(self, kind: str, shape: Sequence[int | None]) -> bool:
        """Whether the dataset has this type and shape; None is any size."""
        if self.kind != kind or len(self.shape) != len(shape):
            return False
        return all(expected in (None, size) for size, expected in zip(self.shape, shape, strict=True))


@dataclass(frozen=True)
class Survey:
    """Provenance, attributes and datasets of a file."""

    provenance: Provenance
    attributes: dict[str, str]
    datasets: dict[str, StoredDataset]
    """Datasets by name, including the group: ``captions/raw``."""


def describe_dataset(kind: str, shape: Sequence[int | None]) -> str:
    """A dataset's type and shape as text; None is any size."""
    return f"{kind} ({', '.join('any' if size is None else str(size) for size in shape)})"


def survey(path: Path, kind: str | None, texts: Collection[str]) -> Survey:
    """Survey the file at ``path``, including the texts of the datasets named in ``texts``.

    Raises ClcapError if the file is damaged or truncated, is not an artifact of ``kind``, or uses HDF5 features that
    clcap never writes.
    """
    if texts:
        return _survey_in_child(path, kind, texts)
    stat = path.stat()
    return _cached_survey(path, kind, stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@lru_cache
def _cached_survey(path: Path, kind: str | None, *file_state: int) -> Survey:
    """Survey each file only once while its ``file_state`` is unchanged; following a lineage reads it many times."""
    return _survey_in_child(path, kind, ())


def _survey_in_child(path: Path, kind: str | None, texts: Collection[str]) -> Survey:
    return _in_child(path, _survey_or_error, path, kind, texts, CPU_SECONDS)


def survey_foreign(path: Path) -> list[str]:
    """Name, type and shape of each dataset of a file of another program, at most ``MAX_DATASETS``.

    Raises ClcapError if the file is damaged.
    """
    return _in_child(path, _foreign_datasets_or_error, path, CPU_SECONDS)


def _in_child(path: Path, function: Callable[..., Found | ClcapError], *arguments: object) -> Found:
    """The result of ``function``, called in a process of its own; raises the ClcapError that it returns."""
    try:
        result = PROCESSES.call(function, *arguments)
    except ProcessEndedError as error:
        raise _ended_error(path, error.status) from error
    if isinstance(result, ClcapError):
        raise result
    return result


def _ended_error(path: Path, status: int | None) -> ClcapError:
    """The error for a child process that ended without a result."""
    if status == -signal.SIGKILL:
        return ClcapError(f"{path} could not be read: the system ended HDF5, probably for lack of memory")
    return _unreadable_error(path, "HDF5 crashes or does not finish reading it")


def _unreadable_error(path: Path, reason: str) -> ClcapError:
    return ClcapError(f"{path} is not a readable HDF5 file (damaged or truncated): {reason}; create it again")


def _survey_or_error(path: Path, kind: str | None, texts: Collection[str], cpu_seconds: float) -> Survey | ClcapError:
    return _result_or_error(path, lambda: _survey_file(path, kind, texts, cpu_seconds))


def _result_or_error(path: Path, read: Callable[[], Found]) -> Found | ClcapError:
    """The result of ``read``, or the error to raise in the calling process."""
    try:
        return read()
    except ClcapError as error:
        return error
    except Exception as error:  # HDF5 raises many classes of errors
        return _unreadable_error(path, _short_reason(error))


def _foreign_datasets_or_error(path: Path, cpu_seconds: float) -> list[str] | ClcapError:
    return _result_or_error(path, lambda: _describe_datasets(path, cpu_seconds))


def _describe_datasets(path: Path, cpu_seconds: float) -> list[str]:
    import h5py

    found: list[str] = []

    def add(name: str, item: object) -> bool | None:
        if isinstance(item, h5py.Dataset):
            found.append(f"{name} {item.dtype} {item.shape}")
        return len(found) == MAX_DATASETS or None  # True ends the visit

    limit_resources(0, cpu_seconds)
    allow_one_file()
    with open_for_reading(path) as file:
        file.visititems(add)
    return found


def _survey_file(path: Path, kind: str | None, texts: Collection[str], cpu_seconds: float) -> Survey:
    limit_resources(0, cpu_seconds)
    allow_one_file()
    with open_for_reading(path) as file:
        values = {name: file.attrs[name] for name in ATTRIBUTES if name in file.attrs}
        attributes = {name: value for name, value in values.items() if isinstance(value, str)}
        if "provenance" not in file.attrs:
            raise _foreign_file_error(path, list(file), kind)
        provenance = parse_provenance(_provenance_record(attributes, path), path, kind)
        datasets = dict(islice(_datasets(file, path), MAX_DATASETS + 1))
        _check_number(path, len(datasets))
        size_of_numbers = sum(size_in_bytes(dataset) for dataset in datasets.values())
        bytes_of_text = max(path.stat().st_size - size_of_numbers, 0)
        limit_resources(bytes_of_text, cpu_seconds)
        for name in datasets.keys() & set(texts):
            if datasets[name].matches(TEXT, (None,)):
                datasets[name] = replace(datasets[name], joined=_joined(file[name], path))
    return Survey(provenance, attributes, datasets)


def _joined(dataset: "h5py.Dataset", path: Path) -> str:
    """The texts of a dataset, joined by ``SEPARATOR``."""
    joined = SEPARATOR.encode().join(dataset[:])
    if len(joined) > path.stat().st_size:
        raise damaged_file_error(path, "its texts are larger than the file")
    return joined.decode()


def _foreign_file_error(path: Path, names: Sequence[str], kind: str | None) -> ClcapError:
    content = f" (it contains {first_few(names)})" if names else ""
    expected = f"; {description_of(kind)} is expected here" if kind else ""
    return ForeignFileError(f"{path} is an HDF5 file of another program{content}{expected}{ADVICE.get(kind or '', '')}")


def _provenance_record(attributes: dict[str, str], path: Path) -> object:
    try:
        return parse_json(attributes["provenance"], path)
    except (ClcapError, KeyError) as error:
        raise ClcapError(f"{path} is not a clcap file: its provenance is damaged") from error


def _check_number(path: Path, datasets: int) -> None:
    if datasets > MAX_DATASETS:
        raise damaged_file_error(path, f"it has more than {MAX_DATASETS} datasets")


def _datasets(group: "h5py.Group", path: Path, prefix: str = "", depth: int = 1) -> Iterator[tuple[str, StoredDataset]]:
    """Yield the name and description of every dataset in ``group``."""
    import h5py

    _check_number(path, len(group))
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _unsupported_error(path, f"{prefix}{name}", "as a link to another location")
        item = group[name]
        if isinstance(item, h5py.Dataset):
            yield f"{prefix}{name}", _stored_dataset(item, f"{prefix}{name}", path)
        elif not isinstance(item, h5py.Group):
            raise _unsupported_error(path, f"{prefix}{name}", "as neither numbers nor text")
        elif depth == MAX_DEPTH:
            raise _unsupported_error(path, f"{prefix}{name}", "as a group within a group")
        else:
            yield from _datasets(item, path, f"{prefix}{name}/", depth + 1)


def _stored_dataset(dataset: "h5py.Dataset", name: str, path: Path) -> StoredDataset:
    import h5py

    if dataset.external:
        raise _unsupported_error(path, name, "in another file (external storage)")
    if dataset.is_virtual:
        raise _unsupported_error(path, name, "in other datasets (a virtual dataset)")
    if dataset.id.get_create_plist().get_layout() != h5py.h5d.CONTIGUOUS:
        raise _unsupported_error(path, name, "in chunks or compressed")
    text = h5py.check_string_dtype(dataset.dtype)
    if dataset.shape is None or (dataset.dtype.kind not in "iuf" and (text is None or text.length is not None)):
        raise _unsupported_error(path, name, "as neither numbers nor text")
    stored = StoredDataset(dataset.shape, None if text else dataset.dtype, dataset.id.get_offset() or 0)
    _check_not_truncated(stored, dataset.id.get_storage_size(), path)
    return stored


def _unsupported_error(path: Path, name: str, storage: str) -> ClcapError:
    return ClcapError(
        f"{path} stores its '{name}' {storage}, which clcap never writes and does not read; create it again"
    )


def _check_not_truncated(stored: StoredDataset, storage: int, path: Path) -> None:
    """Check that the file is as large as the dataset's header claims; reading it could otherwise exhaust memory."""
    end = stored.offset + max(size_in_bytes(stored), storage)
    if storage < size_in_bytes(stored) or (storage and stored.offset == 0) or end > path.stat().st_size:
        raise ClcapError(f"{path} is truncated: it is shorter than its header says; create it again")


def size_in_bytes(stored: StoredDataset) -> int:
    """Size of a dataset in the file; for texts, the size of the references to them."""
    return math.prod(stored.shape) * (stored.dtype.itemsize if stored.dtype else TEXT_REFERENCE)


def _short_reason(error: Exception) -> str:
    """The reason in HDF5's error message, without details for HDF5 developers."""
    if isinstance(error, UnicodeDecodeError):
        return "a string in it is not valid UTF-8"
    reason = str(error).strip("'\"").split(" (", 1)[-1].rstrip(")").split(":")[0]
    return reason or "its header claims a size larger than the file"
