"""Texts that are read from a memory-mapped HDF5 file one by one, when they are needed.

HDF5 scatters its own texts over the file, so that finding one of them takes long. Here a list is two datasets::

    NAME_text  (bytes,) uint8   the texts in UTF-8, one after the other
    NAME_ends  (texts,) int64   position after the last byte of each
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar, overload

import numpy as np

from clcap_cli.artifacts.hdf5 import HDF5Content
from clcap_cli.errors import damaged_file_error

if TYPE_CHECKING:
    import h5py

T = TypeVar("T")
BLOCK = 65536
"""Number of texts that are read at a time when all of them are."""


class StoredTexts(Sequence[T], Generic[T]):
    """A list of texts in a file, each parsed when it is read."""

    def __init__(self, path: Path, content: np.ndarray, ends: np.ndarray, parse: Callable[[str], T]):
        """``content`` (bytes,) and ``ends`` (texts,) as in the file."""
        self.path, self._content, self._ends, self._parse = path, content, ends, parse

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return self.at(np.arange(*index.indices(len(self))))
        return self.at(np.array([range(len(self))[index]]))[0]

    def __iter__(self) -> Iterator[T]:
        blocks = (np.arange(start, min(start + BLOCK, len(self))) for start in range(0, len(self), BLOCK))
        return chain.from_iterable(map(self.at, blocks))

    def at(self, positions: np.ndarray) -> list[T]:
        """The texts at these positions, parsed; raises ClcapError if one of them is damaged."""
        starts, ends = np.where(positions > 0, self._ends[positions - 1], 0), self._ends[positions]
        if starts.min(initial=0) < 0 or (starts > ends).any() or ends.max(initial=0) > len(self._content):
            raise damaged_file_error(self.path, "the positions of its texts are impossible")
        places = zip(starts.tolist(), ends.tolist(), strict=True)
        try:
            return [self._parse(self._content[start:end].tobytes().decode()) for start, end in places]
        except UnicodeDecodeError as error:
            raise damaged_file_error(self.path, "a text in it is not valid UTF-8") from error


def texts_at(texts: Sequence[T], positions: np.ndarray) -> list[T]:
    """The texts at these positions of a list, which may be in a file."""
    return texts.at(positions) if isinstance(texts, StoredTexts) else [texts[position] for position in positions]


def stored_texts(content: HDF5Content, name: str, parse: Callable[[str], T]) -> StoredTexts[T]:
    """The texts called ``name`` of an opened file, of which nothing is read yet."""
    text = content.numbers(f"{name}_text", "uint8", (None,))
    return StoredTexts(content.path, np.asarray(text), content.numbers(f"{name}_ends", "int64", (None,)), parse)


def write_stored_texts(file: "h5py.File", name: str, texts: Sequence[str]) -> None:
    """Write texts so that ``stored_texts`` reads them."""
    encoded = [text.encode() for text in texts]
    file[f"{name}_text"] = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    file[f"{name}_ends"] = np.cumsum([len(text) for text in encoded], dtype=np.int64)
