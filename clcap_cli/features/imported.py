"""Region features of other programs: a folder with a file per image, an HDF5 file, or a table of bottom-up attention.

Each reader finds out the number of regions of every image when it is created, and reads the features on request.
"""

import base64
import binascii
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from clcap_cli.artifacts.hdf5_opening import open_for_reading
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.file_kinds.clcap_files import DESCRIPTIONS
from clcap_cli.file_kinds.recognition import file_kind, wrong_file_error
from clcap_cli.input_files import check_readable

ARRAY_NAMES = ("feat", "features", "x")
"""Names of the array with the regions in an .npz file; a file with only one array may use any name."""
FLOAT16_MAX = float(np.finfo(np.float16).max)
TSV_COLUMNS = ("image_id", "image_w", "image_h", "num_boxes", "boxes", "features")
"""Columns of the tables of bottom-up attention (Anderson et al. 2018), with boxes and features in base64."""


class RegionFeatures(ABC):
    """Region features by image key, which is an image id or a file name without its suffix."""

    def __init__(self, path: Path, shapes: dict[str, tuple[int, int]]):
        """``shapes`` has (regions, channels) by key; raises ClcapError if it is empty or the channels differ."""
        self.path = path
        self.empty = sorted(key for key, (regions, _) in shapes.items() if regions == 0)
        """Keys of images without regions."""
        self.shapes = shapes = {key: shape for key, shape in shapes.items() if shape[0]}
        if not shapes:
            raise ClcapError(f"{path} has no region features: it contains no .npz or .npy file, dataset or line")
        channels = sorted({shape[1] for shape in shapes.values()})
        if len(channels) > 1:
            raise ClcapError(
                f"{path} has regions with {first_few(channels)} channels; all images must have the same number"
            )
        self.channels = channels[0]

    def read(self, key: str) -> np.ndarray:
        """Read the regions of an image, (regions, channels).

        Raises ClcapError if they have an unexpected shape or type or values outside the range of float16.
        """
        regions = np.asarray(self._array(key))
        if regions.shape != self.shapes[key] or regions.dtype.kind not in "fiu":
            raise ClcapError(f"{self.path}: the regions of {key} are {regions.dtype} {regions.shape}, not numbers")
        if not np.isfinite(regions).all():
            raise ClcapError(f"{self.path}: the regions of {key} have values that are not finite numbers")
        if np.abs(regions).max() > FLOAT16_MAX:
            raise ClcapError(
                f"{self.path}: the regions of {key} have values beyond {FLOAT16_MAX:.0f}, the maximum of float16"
            )
        return regions

    @abstractmethod
    def _array(self, key: str) -> Any:
        """The unchecked array of an image."""


class RegionFolder(RegionFeatures):
    """A folder with a file KEY.npz or KEY.npy for each image."""

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
        if file_kind(path).description in DESCRIPTIONS.values():
            raise wrong_file_error(path, "a file of region features of another program")
        try:
            self.file = open_for_reading(path)
            shapes = {key: _shape(_local_dataset(self.file, key, path), path) for key in self.file}
        except (OSError, RuntimeError, KeyError) as error:
            raise ClcapError(f"{path} is not a readable HDF5 file: {error}") from error
        super().__init__(path, shapes)

    def _array(self, key: str) -> Any:
        return self.file[key][()]


class RegionTable(RegionFeatures):
    """A .tsv file of bottom-up attention with one line per image."""

    def __init__(self, path: Path):
        self.offsets: dict[str, int] = {}
        shapes: dict[str, tuple[int, int]] = {}
        check_readable(path)
        with path.open("rb") as file:
            offset = file.tell()
            for line in iter(file.readline, b""):
                if line.strip():
                    fields = _split_line(line, path)
                    key = fields["image_id"]
                    if key in shapes:
                        raise ClcapError(f"{path} has two lines for image {key}; remove one of them")
                    self.offsets[key], shapes[key] = offset, _shape(_decode_regions(fields, path), path)
                offset = file.tell()
        super().__init__(path, shapes)

    def _array(self, key: str) -> Any:
        with self.path.open("rb") as file:
            file.seek(self.offsets[key])
            return _decode_regions(_split_line(file.readline(), self.path), self.path)


def open_regions(path: Path) -> RegionFeatures:
    """Open the region features in a folder or file, whose kind is recognised.

    Raises ClcapError if the kind is unknown or the file is damaged.
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
    raise wrong_file_error(
        path,
        "a folder of .npz or .npy files, an HDF5 file with image ids as keys, or a .tsv file of bottom-up attention",
    )


def _load_array(path: Path) -> np.ndarray:
    try:
        loaded = np.load(path, mmap_mode="r" if path.suffix == ".npy" else None, allow_pickle=False)
        if path.suffix == ".npy":
            return loaded
        with loaded:
            key = next((key for key in ARRAY_NAMES if key in loaded.files), None) or _only_name(loaded.files, path)
            return np.asarray(loaded[key])
    except ClcapError:
        raise
    except Exception as error:  # a damaged file can make NumPy and zipfile raise nearly any error
        # NumPy reports any unknown content as pickled objects and suggests loading them, which is unsafe.
        reason = (
            "it contains objects or is not a NumPy file"
            if "pickle" in str(error)
            else str(error) or type(error).__name__
        )
        raise ClcapError(f"{path} is not a readable NumPy file: {reason.splitlines()[0]}") from error


def _only_name(names: list[str], path: Path) -> str:
    if len(names) == 1:
        return names[0]
    raise ClcapError(
        f"{path} contains the arrays {first_few(names)}; the one with the regions must be called "
        f"{' or '.join(ARRAY_NAMES)}"
    )


def _local_dataset(file: Any, key: str, path: Path) -> Any:
    import h5py

    dataset = file[key] if isinstance(file.get(key, getlink=True), h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise ClcapError(
            f"{path}: '{key}' is not a dataset or is stored in another file; expected a dataset (regions, channels) "
            "for each image"
        )
    return dataset


def _shape(array: Any, path: Path) -> tuple[int, int]:
    if len(array.shape) != 2 or array.shape[1] == 0:
        raise ClcapError(f"{path} has an array of shape {tuple(array.shape)}; expected (regions, channels)")
    return int(array.shape[0]), int(array.shape[1])


def _split_line(line: bytes, path: Path) -> dict[str, str]:
    fields = line.decode("utf-8", "replace").rstrip("\r\n").split("\t")
    if len(fields) != len(TSV_COLUMNS):
        raise ClcapError(f"{path} has a line with {len(fields)} fields; expected {', '.join(TSV_COLUMNS)}")
    if tuple(fields) == TSV_COLUMNS:
        raise ClcapError(f"{path} starts with a header; remove that line")
    return dict(zip(TSV_COLUMNS, fields, strict=True))


def _decode_regions(fields: dict[str, str], path: Path) -> np.ndarray:
    """The regions of a line, (regions, channels) float32."""
    boxes, image = fields["num_boxes"], fields["image_id"]
    if not boxes.isdecimal() or len(boxes) > 6:
        raise ClcapError(f"{path}: num_boxes of image {image} is '{boxes[:20]}', not a number of regions")
    try:
        content = base64.b64decode(fields["features"], validate=True)
    except (ValueError, binascii.Error) as error:
        raise ClcapError(f"{path}: the features of image {image} are not base64") from error
    if not int(boxes):
        return np.empty((0, 1), np.float32)
    if len(content) % (4 * int(boxes)):
        raise ClcapError(
            f"{path}: the features of image {image}, {len(content)} bytes, are not {boxes} rows of float32"
        )
    return np.frombuffer(content, np.float32).reshape(int(boxes), -1)
