"""Whether two files hold the same results: everything but times, command lines and how a run was interrupted."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TIMES = re.compile(r"created|command|timing|.*seconds.*|.*_per_second|data_wait_share")
"""Keys that differ between two runs with the same results."""
INTERRUPTION = {"resume", "save_every"}
"""Settings that say how a run was interrupted."""


def content_of(path: Path) -> object:
    """The results that a file holds, for comparisons."""
    reader = READERS.get(path.suffix)
    return reader(path) if reader else path.read_bytes()


def _plain(value: Any) -> Any:
    """``value`` without times, and with tensors and arrays as bytes."""
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if not TIMES.fullmatch(str(key)) and key not in INTERRUPTION}
        return {key: _plain(item) for key, item in kept.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "numpy"):
        return str(value.dtype), tuple(value.shape), value.numpy().tobytes()
    return value


def _read_json(path: Path) -> Any:
    return _plain(json.loads(path.read_text(encoding="utf-8")))


def _read_lines(path: Path) -> Any:
    return [_plain(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _read_pt(path: Path) -> Any:
    import torch

    return _plain(torch.load(path, weights_only=True))


def _read_hdf5(path: Path) -> Any:
    import h5py

    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        found["attributes"] = {name: _plain(json.loads(value)) for name, value in file.attrs.items()}
        file.visititems(lambda name, item: found.update({name: _dataset(item)}))
    return found


def _dataset(item: Any) -> Any:
    import h5py

    if not isinstance(item, h5py.Dataset):
        return None
    return item.asstr()[:].tolist() if h5py.check_string_dtype(item.dtype) else (str(item.dtype), item[:].tobytes())


def _read_page(path: Path) -> str:
    """A page without the times at which its files were created."""
    return re.sub(r"<time\b.*?</time>", "", path.read_text(encoding="utf-8"))


READERS = {".json": _read_json, ".jsonl": _read_lines, ".pt": _read_pt, ".h5": _read_hdf5, ".html": _read_page}
