"""What is in an HDF5 file, found out by a process of its own.

On a damaged file the HDF5 library may compute for ever, deaf to Ctrl-C, or crash; here that ends the child alone.
HDF5 reads no numbers: where they lie in the file is enough, they are then mapped into memory without it.
"""

import contextlib
import faulthandler
import math
import os
import signal
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.artifacts.provenance import Provenance, parse_provenance
from clcap_cli.datasets.parsing import parse_json
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    import h5py

CPU_SECONDS = 3.0
"""Of processor time, so that a slow disk or a busy machine never makes a whole file look damaged."""
TEXT_BYTES_PER_SECOND = 5e6
"""At the least, of texts; a slow processor reads ten times as many."""
EXTRA_MEMORY = 2**30
MEMORY_PER_TEXT_BYTE = 30
"""Bytes of memory for each byte of texts in the file."""
ATTRIBUTES = ("provenance", "backbone")
"""JSON, of the file itself."""
MAX_DEPTH = 2
"""Names of a dataset: its group's and its own."""
TEXT = "text"
SEPARATOR = "\0"
"""No text in HDF5 has it."""
TEXT_REFERENCE = 8
"""Bytes of the file that a text takes at the least, beside the text itself."""


@dataclass(frozen=True)
class StoredDataset:
    """A dataset."""

    shape: tuple[int, ...]
    dtype: np.dtype | None
    """None for texts."""
    offset: int
    """Where it begins in the file."""
    joined: str = ""
    """The texts that were asked for, ``BETWEEN`` them: so they are sent ten times as fast as one by one."""

    def __str__(self) -> str:
        return describe_dataset(self.kind, self.shape)

    @property
    def kind(self) -> str:
        """Its type's name, that of the bytes' order included where it is not this machine's."""
        return TEXT if self.dtype is None else str(self.dtype)

    @property
    def texts(self) -> list[str]:
        """Those that were asked for."""
        return self.joined.split(SEPARATOR) if self.shape[0] else []

    def fits(self, kind: str, shape: Sequence[int | None]) -> bool:
        """Whether it is of this type and shape; None is any size."""
        sizes = list(zip(self.shape, shape, strict=False))
        same = len(self.shape) == len(shape) and all(wanted in (None, size) for size, wanted in sizes)
        return same and self.kind == kind


@dataclass(frozen=True)
class Survey:
    """A whole file."""

    provenance: Provenance
    attributes: dict[str, str]
    datasets: dict[str, StoredDataset]
    """By name, the group's before it: ``captions/raw``."""


def describe_dataset(kind: str, shape: Sequence[int | None]) -> str:
    """A dataset's type and shape in words; None is any size."""
    return f"{kind} ({', '.join('any' if size is None else str(size) for size in shape)})"


def survey(path: Path, kind: str | None, texts: Collection[str]) -> Survey:
    """What is in ``path``, with the texts of the datasets called ``texts``.

    Raises ClcapError when the file is damaged or cut short, no artifact of ``kind``, or has what clcap never writes.
    """
    if texts:
        return _survey_in_child(path, kind, texts)
    now = path.stat()
    return _cached_survey(path, kind, now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns)


@lru_cache
def _cached_survey(path: Path, kind: str | None, *_: int) -> Survey:
    """Following a chain asks for the same files again and again; the numbers tell whether one is still the same."""
    return _survey_in_child(path, kind, ())


def _survey_in_child(path: Path, kind: str | None, texts: Collection[str]) -> Survey:
    import h5py  # noqa: F401  (once, and not in every child)

    # Elsewhere a forked process cannot use what its parent had loaded.
    context = get_context("fork") if sys.platform == "linux" else get_context("spawn")
    answers, answer = context.Pipe(duplex=False)
    child = context.Process(target=_send_survey, args=(answer, path, kind, texts), daemon=True)
    child.start()
    answer.close()
    try:
        told = answers.recv()
    except (EOFError, OSError):
        told = _unreadable_error(path, "HDF5 crashes on it or comes to no end")
    finally:
        child.kill()
        child.join()
        answers.close()
    if isinstance(told, ClcapError):
        raise told
    return told


def _unreadable_error(path: Path, why: str) -> ClcapError:
    return ClcapError(f"{path} is not a readable HDF5 file (damaged or cut short): {why}; make it again")


def _send_survey(answer: Connection, path: Path, kind: str | None, texts: Collection[str]) -> None:
    """The child's work: to send a Survey, or the error that there is instead."""
    _silence_process()
    told: Survey | ClcapError
    try:
        told = _survey_file(path, kind, texts)
    except ClcapError as error:
        told = error
    except Exception as error:  # HDF5's own are of many classes
        told = _unreadable_error(path, _short_reason(error))
    answer.send(told)


def _silence_process() -> None:
    """The parent tells of Ctrl-C, and of a crash in one line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    faulthandler.disable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _limit_resources(bytes_of_text: int) -> None:
    """End this process, without a word, if what comes now takes too long, and let it have only so much memory."""
    with contextlib.suppress(AttributeError, ImportError, OSError, ValueError):  # as far as the system can
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS + bytes_of_text / TEXT_BYTES_PER_SECOND)
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        room = pages * resource.getpagesize() + EXTRA_MEMORY + MEMORY_PER_TEXT_BYTE * bytes_of_text
        resource.setrlimit(resource.RLIMIT_AS, (room, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _survey_file(path: Path, kind: str | None, texts: Collection[str]) -> Survey:
    import h5py

    _limit_resources(0)
    with h5py.File(path, "r") as file:
        found = {name: file.attrs[name] for name in ATTRIBUTES if name in file.attrs}
        attributes = {name: value for name, value in found.items() if isinstance(value, str)}
        provenance = parse_provenance(_record(attributes, path), path, kind)
        datasets = dict(_datasets(file, path))
        numbers = sum(_size_in_bytes(stored) for stored in datasets.values())
        _limit_resources(max(path.stat().st_size - numbers, 0))
        for name in datasets.keys() & set(texts):
            if datasets[name].fits(TEXT, (None,)):
                datasets[name] = replace(datasets[name], joined=SEPARATOR.encode().join(file[name][:]).decode())
    return Survey(provenance, attributes, datasets)


def _record(attributes: dict[str, str], path: Path) -> object:
    if "provenance" not in attributes:
        raise ClcapError(f"{path} is an HDF5 file, but not one that clcap wrote")
    try:
        return parse_json(attributes["provenance"], path)
    except (ClcapError, TypeError) as error:
        raise ClcapError(f"{path} is not a clcap file: its provenance is damaged") from error


def _datasets(group: "h5py.Group", path: Path, above: str = "", depth: int = 1) -> Iterator[tuple[str, StoredDataset]]:
    """All datasets below ``group``, by name."""
    import h5py

    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _unsupported_error(path, f"{above}{name}", "in another place (a link)")
        found = group[name]
        if isinstance(found, h5py.Dataset):
            yield f"{above}{name}", _stored_dataset(found, f"{above}{name}", path)
        elif not isinstance(found, h5py.Group):
            raise _unsupported_error(path, f"{above}{name}", "as neither numbers nor text")
        elif depth == MAX_DEPTH:
            raise _unsupported_error(path, f"{above}{name}", "as a group within a group")
        else:
            yield from _datasets(found, path, f"{above}{name}/", depth + 1)


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


def _unsupported_error(path: Path, name: str, how: str) -> ClcapError:
    return ClcapError(f"{path} keeps its '{name}' {how}, which clcap never writes and does not read; make it again")


def _check_not_truncated(stored: StoredDataset, storage: int, path: Path) -> None:
    """What a dataset says of its size must be in the file, or reading it could take any amount of memory."""
    ends = stored.offset + max(_size_in_bytes(stored), storage)
    if storage < _size_in_bytes(stored) or (storage and stored.offset == 0) or ends > path.stat().st_size:
        raise ClcapError(f"{path} is not whole: it is shorter than its header says; make it again")


def _size_in_bytes(stored: StoredDataset) -> int:
    """Of the file; of texts, those of the references to them."""
    return math.prod(stored.shape) * (stored.dtype.itemsize if stored.dtype else TEXT_REFERENCE)


def _short_reason(error: Exception) -> str:
    """HDF5's reason without the details that only its developers can read."""
    if isinstance(error, UnicodeDecodeError):
        return "a text in it is not UTF-8"
    told = str(error).strip("'\"").split(" (", 1)[-1].rstrip(")").split(":")[0]
    return told or "it says that it is larger than it is"
