"""Reading HDF5 files of region features from other programs, in processes of their own.

The HDF5 library may crash or loop forever on a hostile file; in another process this does no harm.
"""

import codecs
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clcap_cli.artifacts import hdf5_survey
from clcap_cli.artifacts.hdf5_limits import MEMORY_PER_TEXT_BYTE, allow_one_file, limit_resources
from clcap_cli.artifacts.hdf5_opening import open_for_reading
from clcap_cli.artifacts.hdf5_process import ProcessEndedError
from clcap_cli.datasets.limits import check_decompressed
from clcap_cli.errors import ClcapError, first_line_of

COPIES = 3
"""Number of copies of the regions that are in memory while they are sent."""
BYTES_PER_SECOND = 2e7
"""Lower bound of the speed at which datasets are listed and read."""


def region_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each dataset at the top of a file; raises ClcapError if the file is damaged."""
    return _call(_shapes, path, 0)


def region_arrays(path: Path, keys: Sequence[str], size: int) -> list[np.ndarray]:
    """The content of the datasets called ``keys``, about ``size`` bytes; raises ClcapError if the file is damaged."""
    return _call(_arrays, path, size, keys)


def _call(function: Callable[..., Any], path: Path, size: int, *arguments: object) -> Any:
    try:
        result = hdf5_survey.PROCESSES.call(_result_or_error, function, path, size, *arguments)
    except ProcessEndedError as error:
        raise ClcapError(f"{path} is not a readable HDF5 file: HDF5 crashes or does not finish reading it") from error
    if isinstance(result, ClcapError):
        raise result
    return result


def _result_or_error(function: Callable[..., object], path: Path, size: int, *arguments: object) -> object:
    seconds = hdf5_survey.CPU_SECONDS + path.stat().st_size / BYTES_PER_SECOND
    limit_resources(COPIES * size // MEMORY_PER_TEXT_BYTE, seconds)
    try:
        codecs.lookup("ascii")  # which h5py needs for types of text; loads a file
        allow_one_file()
        with open_for_reading(path) as file:
            return function(file, path, *arguments)
    except ClcapError as error:
        return error
    except Exception as error:  # HDF5 raises many classes of errors
        return ClcapError(f"{path} is not a readable HDF5 file: {first_line_of(error)}")


def _shapes(file: Any, path: Path) -> dict[str, tuple[int, ...]]:
    datasets = {key: _local_dataset(file, key, path) for key in file}
    size = sum(dataset.size * dataset.dtype.itemsize for dataset in datasets.values())
    check_decompressed(path, size, "HDF5 without compression")
    return {key: tuple(dataset.shape) for key, dataset in datasets.items()}


def _arrays(file: Any, path: Path, keys: Sequence[str]) -> list[np.ndarray]:
    return [np.asarray(_local_dataset(file, key, path)[()]) for key in keys]


def _local_dataset(file: Any, key: str, path: Path) -> Any:
    import h5py

    dataset = file[key] if isinstance(file.get(key, getlink=True), h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise ClcapError(
            f"{path}: '{key}' is not a dataset or is stored in another file; expected a dataset (regions, channels) "
            "for each image"
        )
    if dataset.dtype.kind not in "fiu" or dataset.shape is None:
        raise ClcapError(f"{path}: the regions of {key} are {dataset.dtype} {dataset.shape}, not numbers")
    return dataset
