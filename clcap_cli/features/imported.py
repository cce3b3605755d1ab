"""Region features of other programs: a folder with a file per image, an HDF5 file, or a table of bottom-up attention.

Each reader finds out the number of regions of every image when it is created, and reads the features on request.
"""

import base64
import binascii
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from clcap_cli.datasets.limits import check_decompressed
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.features.region_boxes import BOX_NAMES, boxes_of_archive, boxes_of_line
from clcap_cli.features.region_hdf5 import region_arrays, region_shapes
from clcap_cli.file_kinds.clcap_files import DESCRIPTIONS
from clcap_cli.file_kinds.recognition import file_kind, wrong_file_error
from clcap_cli.input_files import check_readable

ARRAY_NAMES = ("feat", "features", "x")
"""Names of the array with the regions in an .npz file; a file with only one array may use any name."""
IMAGES_AT_ONCE, BYTES_AT_ONCE = 64, 2**25
"""Maximum number of images and of bytes that one process reads from an HDF5 file."""
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
        if self.empty and not shapes:
            raise ClcapError(
                f"{path} has no region features: each of its arrays has 0 regions, such as {self.empty[0]}"
            )
        if not shapes:
            raise ClcapError(f"{path} has no region features: it contains no .npz or .npy file, dataset or line")
        channels = sorted({shape[1] for shape in shapes.values()})
        if len(channels) > 1:
            raise ClcapError(
                f"{path} has regions with {first_few(channels)} channels; all images must have the same number"
            )
        self.channels = channels[0]

    @cached_property
    def boxes(self) -> dict[str, np.ndarray]:
        """The boxes of the regions of images, (regions, 4) float32 as shares of width and height, where known."""
        return {}

    def read(self, keys: Sequence[str]) -> Iterator[np.ndarray]:
        """Yield the regions of images, (regions, channels) each.

        Raises ClcapError if they have an unexpected shape or type or values outside the range of float16.
        """
        for key, array in zip(keys, self._arrays(keys), strict=True):
            yield self._checked(key, np.asarray(array))

    def _checked(self, key: str, regions: np.ndarray) -> np.ndarray:
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
    def _arrays(self, keys: Sequence[str]) -> Iterator[Any]:
        """Yield the unchecked array of each image."""


class RegionFolder(RegionFeatures):
    """A folder with a file KEY.npz or KEY.npy for each image."""

    def __init__(self, path: Path):
        self.files: dict[str, Path] = {}
        for file in sorted(file for file in path.iterdir() if file.suffix in (".npz", ".npy")):
            if file.stem in self.files:
                raise ClcapError(f"{path} has {self.files[file.stem].name} and {file.name}; remove one of them")
            self.files[file.stem] = file
        super().__init__(path, {key: _shape(_load_array(file).shape, file) for key, file in self.files.items()})

    @cached_property
    def boxes(self) -> dict[str, np.ndarray]:
        """See RegionFeatures."""
        files = {key: file for key, file in self.files.items() if file.suffix == ".npz" and key in self.shapes}
        found = {key: _load_boxes(file, self.shapes[key][0]) for key, file in files.items()}
        return {key: boxes for key, boxes in found.items() if boxes is not None}

    def _arrays(self, keys: Sequence[str]) -> Iterator[Any]:
        return (_load_array(self.files[key]) for key in keys)


class RegionHDF5(RegionFeatures):
    """An HDF5 file with a dataset for each image."""

    def __init__(self, path: Path):
        if file_kind(path).description in DESCRIPTIONS.values():
            raise wrong_file_error(path, "a file of region features of another program")
        shapes = region_shapes(path)
        super().__init__(path, {key: _shape(shape, path) for key, shape in shapes.items()})

    def _arrays(self, keys: Sequence[str]) -> Iterator[Any]:
        largest = 8 * self.channels * max(regions for regions, _ in self.shapes.values())
        number = max(1, min(IMAGES_AT_ONCE, BYTES_AT_ONCE // largest))
        for first in range(0, len(keys), number):
            yield from region_arrays(self.path, keys[first : first + number], number * largest)


class RegionTable(RegionFeatures):
    """A .tsv file of bottom-up attention with one line per image."""

    def __init__(self, path: Path):
        self.offsets: dict[str, int] = {}
        self._boxes: dict[str, np.ndarray] = {}
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
                    self.offsets[key], shapes[key] = offset, _shape(_decode_regions(fields, path).shape, path)
                    if (boxes := boxes_of_line(fields, shapes[key][0])) is not None:
                        self._boxes[key] = boxes
                offset = file.tell()
        super().__init__(path, shapes)

    @cached_property
    def boxes(self) -> dict[str, np.ndarray]:
        """See RegionFeatures."""
        return self._boxes

    def _arrays(self, keys: Sequence[str]) -> Iterator[Any]:
        with self.path.open("rb") as file:
            for key in keys:
                file.seek(self.offsets[key])
                yield _decode_regions(_split_line(file.readline(), self.path), self.path)


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
            check_decompressed(path, max(_bytes_of(loaded, key)), ".npy")
            return np.asarray(loaded[key])
    except ClcapError:
        raise
    except Exception as error:  # a damaged file can make NumPy and zipfile raise nearly any error
        raise ClcapError(f"{path} is not a readable NumPy file: {_reason(error)}") from error


def _load_boxes(path: Path, regions: int) -> np.ndarray | None:
    try:
        with np.load(path, allow_pickle=False) as loaded:
            for name in (name for name in (*BOX_NAMES, "image_w", "image_h") if name in loaded.files):
                check_decompressed(path, max(_bytes_of(loaded, name)), ".npy")
            return boxes_of_archive(loaded, regions)
    except ClcapError:
        raise
    except Exception:  # a damaged file can make NumPy and zipfile raise nearly any error
        return None


def _reason(error: Exception) -> str:
    text = str(error) or type(error).__name__
    # NumPy reports any unknown content as pickled objects and suggests loading them, which is unsafe.
    if "pickle" in text:
        return "it contains objects or is not a NumPy file"
    if isinstance(error, SyntaxError | TypeError) or "header" in text.lower() or "malformed" in text:
        return "its header is damaged"  # NumPy's message shows Python objects
    return text.splitlines()[0]


def _bytes_of(archive: Any, key: str) -> tuple[int, int]:
    """The size of an array in an .npz file by the archive, and by the array's own header, in bytes."""
    member = archive.zip.getinfo(f"{key}.npy" if f"{key}.npy" in archive.zip.namelist() else key)
    with archive.zip.open(member) as stream:
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[np.lib.format.read_magic(stream)]
        shape, _, dtype = read_header(stream)
    return member.file_size, math.prod(shape) * dtype.itemsize


def _only_name(names: list[str], path: Path) -> str:
    if len(names) == 1:
        return names[0]
    raise ClcapError(
        f"{path} contains the arrays {first_few(names)}; the one with the regions must be called "
        f"{' or '.join(ARRAY_NAMES)}"
    )


def _shape(shape: Sequence[int], path: Path) -> tuple[int, int]:
    if len(shape) != 2 or shape[1] == 0:
        raise ClcapError(f"{path} has an array of shape {tuple(shape)}; expected (regions, channels)")
    return int(shape[0]), int(shape[1])


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
