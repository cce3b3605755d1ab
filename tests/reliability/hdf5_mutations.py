"""Mutations of HDF5 files through h5py: valid files with hostile content."""

import io
from collections.abc import Callable
from random import Random
from typing import Any

import h5py
import numpy as np

HDF5_TOKENS = (b"\x89HDF\r\n\x1a\n", b"SNOD", b"TREE", b"HEAP", b"GCOL", b"OHDR", b"FRHP", b"BTHD", b"\xff" * 8)
"""Signatures of the structures in a file, and the undefined address."""
DTYPES = ("i1", "u1", "<i4", ">i4", "<i8", ">i8", "<f2", ">f2", "<f4", "<f8", "c8", "S4", "V3", "?")
SHAPES: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (3,), (0, 4), (2, 0), (1, 1, 1), (2, 3), (1,) * 32)
HUGE = (2**31, 2**40, 2**62)
LARGEST = 2**20
"""Largest number of elements of a dataset that is read to be changed."""
TEXTS = (
    "",
    "\u202e",
    "\x1b]0;x\x07",
    "a" * 70_000,
    "../../etc/passwd",
    "=cmd|' /C calc'!A1",
    "<end>",
    "1",
    "01",
    "nan",
)

Change = Callable[[h5py.File, Random], None]


def mutate_hdf5(content: bytes, random: Random) -> bytes:
    """One to three changes of datasets, groups and attributes; content that HDF5 cannot open stays as it is."""
    buffer = io.BytesIO(content)
    try:
        with h5py.File(buffer, "r+") as file:
            for _ in range(random.choice([1, 1, 2, 3])):
                random.choice(CHANGES)(file, random)
    except Exception:  # HDF5 raises many classes of errors for a file that another mutation damaged
        return content
    return buffer.getvalue()


def _names(file: h5py.File) -> list[str]:
    """Names of the datasets, except those that an earlier change has made larger than the file."""
    found: list[str] = []

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and (item.size or 0) < LARGEST:
            found.append(name)

    file.visititems(add)
    return found


def _set_numbers(file: h5py.File, random: Random) -> None:
    """Set some numbers of a dataset to extreme values."""
    dataset = file[random.choice(_names(file))]
    if dataset.dtype.kind not in "iuf" or not dataset.size:
        return
    values = np.array(dataset)
    limits = np.iinfo(values.dtype) if values.dtype.kind in "iu" else np.finfo(values.dtype)
    extremes = [limits.min, limits.max, 0, 1, -1, *([np.nan, np.inf] if values.dtype.kind == "f" else [])]
    for _ in range(random.choice([1, 3])):
        values.flat[random.randrange(values.size)] = random.choice(extremes)
    dataset[...] = values


def _set_texts(file: h5py.File, random: Random) -> None:
    """Set a text to a hostile one, to bytes that are no UTF-8, or to another text."""
    dataset = file[random.choice(_names(file))]
    if dataset.dtype.kind == "O" and dataset.size:
        other = dataset[random.randrange(dataset.size)]
        dataset[random.randrange(dataset.size)] = random.choice([*TEXTS, b"\xff\xfe", other])


def _shuffle(file: h5py.File, random: Random) -> None:
    """Reverse the order of a dataset's rows."""
    dataset = file[random.choice(_names(file))]
    if dataset.shape:
        dataset[...] = dataset[...][::-1]


def _resize(file: h5py.File, random: Random) -> None:
    """Store a dataset with more or fewer rows or columns."""
    name = random.choice(_names(file))
    values, dtype = file[name][...], file[name].dtype
    if not values.shape:
        return
    axis = random.randrange(values.ndim)
    count = random.choice([0, 1, values.shape[axis] - 1, values.shape[axis] + 1])
    _recreate(file, name, data=np.take(values, range(count), axis=axis, mode="wrap"), dtype=dtype)


def _retype(file: h5py.File, random: Random) -> None:
    """Store other numbers, of another type or shape, in place of a dataset."""
    name = random.choice(_names(file))
    shape = random.choice([*SHAPES, file[name].shape, file[name].shape])
    _recreate(file, name, data=np.zeros(shape, random.choice(DTYPES)))


def _claim(file: h5py.File, random: Random) -> None:
    """Declare a dataset much larger than the file."""
    name = random.choice(_names(file))
    shape = tuple(random.choice([size, random.choice(HUGE)]) for size in file[name].shape or (1,))
    _recreate(file, name, shape=shape, dtype=file[name].dtype)


def _recreate(file: h5py.File, name: str, **arguments: Any) -> None:
    del file[name]
    file.create_dataset(name, **arguments)


def _remove(file: h5py.File, random: Random) -> None:
    del file[random.choice([*_names(file), *file])]


def _make_group(file: h5py.File, random: Random) -> None:
    """Put a group in place of a dataset."""
    name = random.choice(_names(file))
    del file[name]
    file.create_group(f"{name}/{random.choice(['x', '', 'a/b/c/d'])}")


def _link(file: h5py.File, random: Random) -> None:
    """Let a name lead to another object, to nothing or to another file."""
    name, other = random.choice(_names(file)), random.choice([*_names(file), *file, "/"])
    hard = file[other]
    del file[name]
    file[name] = random.choice([hard, h5py.SoftLink("/nothing"), h5py.ExternalLink("/etc/passwd", "/")])


def _layout(file: h5py.File, random: Random) -> None:
    """Store a dataset in chunks, compressed, compact or in another file."""
    name = random.choice(_names(file))
    values, dtype = file[name][...], file[name].dtype
    ways = [{"chunks": True}, {"compression": "gzip"}, {"fletcher32": True}, {"maxshape": (None,) * values.ndim}]
    if dtype.kind in "iuf":
        ways.append({"external": [("/etc/passwd", 0, 100)], "shape": values.shape})
    way = random.choice(ways)
    _recreate(file, name, dtype=dtype, **way, **({} if "external" in way else {"data": values}))


def _attribute(file: h5py.File, random: Random) -> None:
    """Set an attribute of the file to another value."""
    values = [1, "", "{}", "[]", "null", b"\xff", np.zeros(3), file.ref, "1" * 10_000, h5py.Empty("f")]
    file.attrs[random.choice(["provenance", "backbone", "x"])] = random.choice(values)


def _record(file: h5py.File, random: Random) -> None:
    """Change a value within the JSON of an attribute."""
    from tests.reliability.json_mutations import mutate_json

    name = random.choice([name for name in ("provenance", "backbone") if name in file.attrs])
    text = mutate_json(file.attrs[name].encode(), random)
    file.attrs[name] = text.decode("utf-8", "replace").replace("\0", "")[:60_000]


CHANGES: tuple[Change, ...] = (
    *(_set_numbers, _set_numbers, _set_texts, _set_texts, _shuffle, _resize, _resize, _retype, _claim, _remove),
    *(_make_group, _link, _layout, _attribute, _record, _record),
)
