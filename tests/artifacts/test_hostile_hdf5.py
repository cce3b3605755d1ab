"""Valid HDF5 files whose content no clcap wrote are refused by one message, before memory or time is spent."""

import os
import resource
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.hdf5 import open_hdf5
from clcap_cli.artifacts.hdf5_limits import allow_one_file
from clcap_cli.artifacts.hdf5_process import HDF5Processes
from clcap_cli.errors import ClcapError

VERSION3 = Path(__file__).parents[1] / "data" / "version3"
READERS: dict[str, Callable[[Path], object]] = {
    "captions.h5": open_captions,
    "features.h5": open_features,
    "nt.log_probs.h5": lambda path: open_hdf5(path).__enter__(),
}


def replaced(name: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = value

    return change


def grouped(name: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(f"{name}/x", data=np.zeros(3))

    return change


def removed(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(name)


def edited(name: str, place: int, value: object) -> Callable[[h5py.File], None]:
    return lambda file: file[name].__setitem__(place, value)


def declared(name: str, count: int) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, (count,), h5py.string_dtype())

    return change


def crowded(file: h5py.File) -> None:
    for number in range(1001):
        file.create_group(f"g{number}")["x"] = 1


def message_of(name: str, folder: Path, change: Callable[[h5py.File], None]) -> str:
    path = Path(shutil.copy(VERSION3 / name, folder / name))
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(ClcapError) as error:
        READERS[name](path)
    return str(error.value).removeprefix(f"{path} ")


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("captions.h5", grouped("vocabulary"), "its 'vocabulary' is a group, expected text (any)"),
        ("features.h5", grouped("ids"), "its 'ids' is a group, expected int64 (any)"),
        ("nt.log_probs.h5", grouped("log_prob"), "its 'log_prob' is a group, expected float32 (8, 8)"),
        ("captions.h5", removed("images"), "it has no 'images/id'"),
        ("captions.h5", removed("captions/raw"), "it has no 'captions/raw'"),
        ("features.h5", removed("names"), "it has no 'names'"),
        ("captions.h5", replaced("captions/lengths", np.float32(1)), "its 'captions/lengths' is float32 ()"),
        ("captions.h5", replaced("vocabulary", np.zeros(3)), "its 'vocabulary' is float64 (3), expected text (any)"),
        ("captions.h5", replaced("captions/image", np.zeros(2, ">i4")), "its 'captions/image' is >i4 (2)"),
        ("nt.log_probs.h5", replaced("log_prob", np.zeros((2, 3), "f4")), "its 'log_prob' is float32 (2, 3)"),
        ("nt.log_probs.h5", replaced("log_prob", np.float32(0)), "its 'log_prob' is float32 (), expected float32 ("),
        ("captions.h5", edited("captions/tokens", 0, 10**6), "its 'captions/tokens' has 1000000, expected 0 to "),
        ("captions.h5", edited("captions/tokens", 0, -1), "its 'captions/tokens' has -1, expected 0 to "),
        ("captions.h5", edited("captions/lengths", 0, 2**31 - 1), "its 'captions/lengths' has 2147483647"),
        ("captions.h5", edited("captions/image", 0, 3), "its 'captions/image' does not list the "),
        ("captions.h5", edited("captions/image", -1, 10**6), "its 'captions/image' does not list the "),
        ("captions.h5", edited("images/id", 1, 1), "its 'images/id' contains "),
        ("captions.h5", crowded, "it has more than 1000 datasets"),
    ],
)  # fmt: skip
def test_content_that_clcap_never_writes(
    tmp_path: Path, name: str, change: Callable[[h5py.File], None], problem: str
) -> None:
    message = message_of(name, tmp_path, change)
    assert message.startswith(f"is damaged: {problem}")
    assert message.endswith("; create it again")


def test_a_hundred_million_declared_names(tmp_path: Path) -> None:
    assert message_of("captions.h5", tmp_path, declared("vocabulary", 10**8)) == (
        "is truncated: it is shorter than its header says; create it again"
    )


def test_unknown_datasets_are_ignored(tmp_path: Path) -> None:
    path = Path(shutil.copy(VERSION3 / "captions.h5", tmp_path))
    with h5py.File(path, "a") as file:
        file["extra/x"], file["more"] = np.zeros(3), "text"
    assert open_captions(path).image_ids == open_captions(VERSION3 / "captions.h5").image_ids


def test_datasets_that_share_bytes_are_refused(tmp_path: Path) -> None:
    path = Path(shutil.copy(VERSION3 / "features.h5", tmp_path))
    with h5py.File(path) as file:
        pooled, grid = (file[name].id.get_offset() for name in ("pooled", "grid"))
    whole = path.read_bytes()
    assert whole.count(grid.to_bytes(8, "little")) == 1
    path.write_bytes(whole.replace(grid.to_bytes(8, "little"), pooled.to_bytes(8, "little")))
    with pytest.raises(
        ClcapError, match=r"is damaged: its '(grid|pooled)' overlaps its '(grid|pooled)'; create it again"
    ):
        open_features(path)


def test_texts_that_share_bytes_are_refused(tmp_path: Path) -> None:
    """A text of a megabyte that 10,000 captions refer to would be 10 GB in memory."""
    path = Path(shutil.copy(VERSION3 / "captions.h5", tmp_path))
    with h5py.File(path, "a") as file:
        del file["vocabulary"]
        file.create_dataset("vocabulary", data=["x" * 2**20] + ["y"] * 9999, dtype=h5py.string_dtype())
        offset = file["vocabulary"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[offset : offset + 160_000] = content[offset : offset + 16] * 10_000
    path.write_bytes(content)
    with pytest.raises(ClcapError) as error:
        open_captions(path)
    assert str(error.value).startswith(f"{path} is ")


def rights(path: Path) -> list[str]:
    """What a process that reads HDF5 can still do after it has opened the file."""
    allow_one_file()
    possible = []
    with path.open("rb"):
        for name, attempt in (
            ("open", lambda: os.open("/etc/hostname", os.O_RDONLY)),
            ("socket", socket.socket),
            ("pipe", os.pipe),
        ):
            try:
                attempt()
                possible.append(name)
            except OSError:
                continue
    return [*possible, *(["core"] if resource.getrlimit(resource.RLIMIT_CORE)[0] else [])]


def test_the_reading_process_can_open_nothing_else() -> None:
    assert HDF5Processes().call(rights, VERSION3 / "captions.h5") == []


def write(path: Path) -> str:
    allow_one_file()
    try:
        with path.open("wb") as file:
            file.write(b"x")
    except OSError as error:
        return str(error.strerror)
    return "written"


def test_the_reading_process_cannot_write(tmp_path: Path) -> None:
    assert HDF5Processes().call(write, tmp_path / "x") == "File too large"


def test_foreign_files_are_surveyed_in_the_same_process(tmp_path: Path, clcap, error_of, monkeypatch) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["a/b"], file["c"] = np.zeros((2, 3), "f4"), "text"
    assert "2 datasets: a/b float32 (2, 3), c object ()" in clcap("show", path).out
    monkeypatch.setattr(h5py, "File", None)
    assert "2 datasets" in clcap("show", path).out
