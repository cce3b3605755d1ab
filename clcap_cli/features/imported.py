"""Region features that other programs made: a file for each image, one HDF5 file, or bottom-up attention's table.

Each reader knows how many regions an image has before it reads them.
"""

import base64
import binascii
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from clcap_cli.errors import ClcapError, first_few
from clcap_cli.input_files import check_readable

ARRAY_NAMES = ("feat", "features", "x")
"""Under which an .npz file has its regions, unless it has only one array."""
FLOAT16_MAX = float(np.finfo(np.float16).max)
TSV_COLUMNS = ("image_id", "image_w", "image_h", "num_boxes", "boxes", "features")
"""Columns of bottom-up attention's tables (Anderson et al. 2018), boxes and features in base64."""


class RegionFeatures(ABC):
    """The regions of images that are called by a key: an id, or a file name without its ending."""

    def __init__(self, path: Path, shapes: dict[str, tuple[int, int]]):
        """``shapes`` are regions and channels by key; raises ClcapError when there are none or channels differ."""
        self.path = path
        self.empty = sorted(key for key, (regions, _) in shapes.items() if regions == 0)
        """Keys of images without any region."""
        self.shapes = shapes = {key: shape for key, shape in shapes.items() if shape[0]}
        if not shapes:
            raise ClcapError(f"{path} has no region features: no file of regions, dataset or line")
        channels = sorted({found[1] for found in shapes.values()})
        if len(channels) > 1:
            raise ClcapError(f"{path} has regions of {first_few(channels)} channels; all images need the same number")
        self.channels = channels[0]

    def read(self, key: str) -> np.ndarray:
        """(regions, channels) of an image; raises ClcapError when they are not as they were announced."""
        found = np.asarray(self._array(key))
        if found.shape != self.shapes[key] or found.dtype.kind not in "fiu":
            raise ClcapError(f"{self.path}: the regions of {key} are {found.dtype} {found.shape}, not numbers")
        if not np.isfinite(found).all():
            raise ClcapError(f"{self.path}: the regions of {key} have values that are not finite numbers")
        if np.abs(found).max() > FLOAT16_MAX:
            raise ClcapError(
                f"{self.path}: the regions of {key} have values beyond {FLOAT16_MAX:.0f}, float16's largest"
            )
        return found

    @abstractmethod
    def _array(self, key: str) -> Any:
        """What the file has for a key."""


class RegionFolder(RegionFeatures):
    """A folder with KEY.npz or KEY.npy for each image."""

    def __init__(self, path: Path):
        self.files: dict[str, Path] = {}
        for file in sorted(file for file in path.iterdir() if file.suffix in (".npz", ".npy")):
            if file.stem in self.files:
                raise ClcapError(f"{path} has {self.files[file.stem].name} and {file.name}; remove one of them")
            self.files[file.stem] = file
        super().__init__(path, {key: _shape(self._array(key), file) for key, file in self.files.items()})

    def _array(self, key: str) -> Any:
        return _load_array(self.files[key])


class RegionHDF5(RegionFeatures):
    """An HDF5 file with a dataset for each image."""

    def __init__(self, path: Path):
        import h5py

        check_readable(path)
        try:
            self.file = h5py.File(path, "r")
            shapes = {key: _shape(_local_dataset(self.file, key, path), path) for key in self.file}
        except (OSError, RuntimeError, KeyError) as error:
            raise ClcapError(f"{path} is not a readable HDF5 file: {error}") from error
        super().__init__(path, shapes)

    def _array(self, key: str) -> Any:
        return self.file[key][()]


class RegionTable(RegionFeatures):
    """Bottom-up attention's .tsv: a line an image."""

    def __init__(self, path: Path):
        self.places: dict[str, int] = {}
        shapes: dict[str, tuple[int, int]] = {}
        check_readable(path)
        with path.open("rb") as file:
            place = file.tell()
            for line in iter(file.readline, b""):
                if line.strip():
                    fields = _split_line(line, path)
                    key = fields["image_id"]
                    if key in shapes:
                        raise ClcapError(f"{path} has two lines of image {key}; remove one of them")
                    self.places[key], shapes[key] = place, _shape(_decode_regions(fields, path), path)
                place = file.tell()
        super().__init__(path, shapes)

    def _array(self, key: str) -> Any:
        with self.path.open("rb") as file:
            file.seek(self.places[key])
            return _decode_regions(_split_line(file.readline(), self.path), self.path)


def open_regions(path: Path) -> RegionFeatures:
    """The region features of a folder or file, told by its kind.

    Raises ClcapError when it is none of the kinds, or damaged.
    """
    if path.is_dir():
        return RegionFolder(path)
    check_readable(path)
    with path.open("rb") as file:
        is_hdf5 = file.read(8).startswith(b"\x89HDF")
    if is_hdf5:
        return RegionHDF5(path)
    if path.suffix.lower() == ".tsv":
        return RegionTable(path)
    raise ClcapError(
        f"{path}: unknown kind of region features; give a folder of .npz or .npy files, an HDF5 file with the image's "
        "id as key, or bottom-up attention's .tsv"
    )


def _load_array(path: Path) -> np.ndarray:
    try:
        found = np.load(path, mmap_mode="r" if path.suffix == ".npy" else None, allow_pickle=False)
        if path.suffix == ".npy":
            return found
        with found:
            key = next((key for key in ARRAY_NAMES if key in found.files), None) or _only_name(found.files, path)
            return np.asarray(found[key])
    except ClcapError:
        raise
    except Exception as error:  # a damaged file can make NumPy and zipfile raise nearly anything
        # NumPy takes whatever it does not know for pickled objects, and advises to load it unsafely.
        reason = "it holds no numbers, or objects" if "pickle" in str(error) else str(error) or type(error).__name__
        raise ClcapError(f"{path} is not a readable file of NumPy: {reason.splitlines()[0]}") from error


def _only_name(names: list[str], path: Path) -> str:
    if len(names) == 1:
        return names[0]
    raise ClcapError(f"{path} has the arrays {first_few(names)}; the regions must be called {' or '.join(ARRAY_NAMES)}")


def _local_dataset(file: Any, key: str, path: Path) -> Any:
    import h5py

    found = file[key] if isinstance(file.get(key, getlink=True), h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
        raise ClcapError(
            f"{path}: '{key}' is no dataset, or lies in another file; expected a dataset of each image, "
            "(regions, channels)"
        )
    return found


def _shape(array: Any, path: Path) -> tuple[int, int]:
    if len(array.shape) != 2 or array.shape[1] == 0:
        raise ClcapError(f"{path} has an array of shape {tuple(array.shape)}; expected (regions, channels)")
    return int(array.shape[0]), int(array.shape[1])


def _split_line(line: bytes, path: Path) -> dict[str, str]:
    found = line.decode("utf-8", "replace").rstrip("\r\n").split("\t")
    if len(found) != len(TSV_COLUMNS):
        raise ClcapError(f"{path} has a line of {len(found)} fields; there must be {', '.join(TSV_COLUMNS)}")
    if tuple(found) == TSV_COLUMNS:
        raise ClcapError(f"{path} starts with the names of its columns; remove that line")
    return dict(zip(TSV_COLUMNS, found, strict=True))


def _decode_regions(fields: dict[str, str], path: Path) -> np.ndarray:
    """(regions, channels) float32 of a line."""
    boxes, image = fields["num_boxes"], fields["image_id"]
    if not boxes.isdecimal() or len(boxes) > 6:
        raise ClcapError(f"{path}: num_boxes of image {image} is '{boxes[:20]}', not a number of regions")
    try:
        found = base64.b64decode(fields["features"], validate=True)
    except (ValueError, binascii.Error) as error:
        raise ClcapError(f"{path}: the features of image {image} are not base64") from error
    if not int(boxes):
        return np.empty((0, 1), np.float32)
    if len(found) % (4 * int(boxes)):
        raise ClcapError(f"{path}: the features of image {image}, {len(found)} bytes, are not {boxes} rows of float32")
    return np.frombuffer(found, np.float32).reshape(int(boxes), -1)
