"""Damaged and malicious HDF5 files give one line of error."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from clcap_cli.artifacts import hdf5_survey
from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.hdf5 import open_hdf5
from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.errors import ClcapError


@pytest.fixture
def captions(shared_chain: Path, tmp_path: Path) -> Path:
    """A copy of captions.h5."""
    path = tmp_path / "captions.h5"
    path.write_bytes((shared_chain / "captions.h5").read_bytes())
    return path


def test_a_file_that_hdf5_never_finishes_reading(captions: Path, error_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_survey, "CPU_SECONDS", 0.5)
    content = bytearray(captions.read_bytes())
    texts = content.index(b"GCOL")
    content[texts + 512 : texts + 1024] = bytes(512)
    captions.write_bytes(content)
    for arguments in (("show", captions), ("train-mle", captions, captions)):
        assert error_of(*arguments) == (
            f"{captions} is not a readable HDF5 file (damaged or truncated): HDF5 crashes or does not finish reading "
            "it; create it again"
        )


def test_a_file_that_crashes_hdf5(captions: Path, error_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_survey, "_survey_file", lambda *_: os.kill(os.getpid(), signal.SIGSEGV))
    assert error_of("show", captions).startswith(
        f"{captions} is not a readable HDF5 file (damaged or truncated): HDF5 crashes or does not finish reading it"
    )


def test_ctrl_c_while_hdf5_reads(captions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spin(*_: object) -> None:
        while True:
            pass

    monkeypatch.setattr(hdf5_survey, "_survey_file", spin)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            open_captions(captions)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert multiprocessing.active_children() == []


def test_every_truncation_of_a_file_is_refused(captions: Path) -> None:
    whole = captions.read_bytes()
    for length in range(0, len(whole), len(whole) // 40):
        captions.write_bytes(whole[:length])
        with pytest.raises(ClcapError, match=r"captions\.h5 is not a readable HDF5 file"):
            open_captions(captions)


def external_storage(file: h5py.File) -> None:
    file.create_dataset("x", (2,), "i4", external=[("/etc/passwd", 0, 8)])


def soft_link(file: h5py.File) -> None:
    file["x"] = h5py.SoftLink("/vocabulary")


def external_link(file: h5py.File) -> None:
    file["x"] = h5py.ExternalLink("other.h5", "/vocabulary")


def virtual_dataset(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((2,), "i4")
    layout[:] = h5py.VirtualSource("other.h5", "y", (2,))
    file.create_virtual_dataset("x", layout)


def compressed(file: h5py.File) -> None:
    file.create_dataset("x", data=np.zeros(9), compression="gzip")


def references(file: h5py.File) -> None:
    file.create_dataset("x", data=[file.ref], dtype=h5py.ref_dtype)


def named_type(file: h5py.File) -> None:
    file["x"] = np.dtype("f4")


def groups_without_end(file: h5py.File) -> None:
    file["captions/x"] = file["/"]


@pytest.mark.parametrize(
    ("add", "problem"),
    [
        (external_storage, "'x' in another file (external storage)"),
        (soft_link, "'x' as a link to another location"),
        (external_link, "'x' as a link to another location"),
        (virtual_dataset, "'x' in other datasets (a virtual dataset)"),
        (compressed, "'x' in chunks or compressed"),
        (references, "'x' as neither numbers nor text"),
        (named_type, "'x' as neither numbers nor text"),
        (groups_without_end, "'captions/x' as a group within a group"),
    ],
)
def test_hdf5_features_that_clcap_never_writes_are_refused(
    captions: Path, add: Callable[[h5py.File], None], problem: str
) -> None:
    with h5py.File(captions, "a") as file:
        add(file)
    with pytest.raises(ClcapError) as error:
        open_captions(captions)
    assert str(error.value) == (
        f"{captions} stores its {problem}, which clcap never writes and does not read; create it again"
    )


@pytest.mark.parametrize("kind", ["i4", h5py.string_dtype()])
def test_a_small_file_that_claims_to_be_huge(captions: Path, kind: object) -> None:
    with h5py.File(captions, "a") as file:
        del file["vocabulary"]
        file.create_dataset("vocabulary", (2**40,), kind)
    with pytest.raises(ClcapError, match="is truncated: it is shorter than its header says"):
        open_captions(captions)


def test_strings_that_are_not_valid_utf8(captions: Path) -> None:
    with h5py.File(captions, "a") as file:
        file["vocabulary"][0] = b"\xff"
    with pytest.raises(ClcapError, match="a string in it is not valid UTF-8; create it again"):
        open_captions(captions)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("provenance", "is an HDF5 file, but was not written by clcap"),
        ("backbone", "is not a clcap features file: its backbone record is damaged"),
    ],
)
def test_a_provenance_record_that_is_not_text(shared_chain: Path, tmp_path: Path, name: str, problem: str) -> None:
    path = tmp_path / "features.h5"
    path.write_bytes((shared_chain / "features.h5").read_bytes())
    with h5py.File(path, "a") as file:
        del file.attrs[name]
        file.attrs[name] = file.ref
    with pytest.raises(ClcapError) as error:
        open_features(path)
    assert str(error.value) == f"{path} {problem}"


def test_only_requested_texts_are_read(captions: Path) -> None:
    with open_hdf5(captions, texts=["vocabulary"]) as (content, _):
        assert len(content["vocabulary"].joined) > 0
        assert content["captions/raw"].joined == ""
        assert content["captions"].keys() == {"raw", "tokens", "lengths", "image"}


def test_a_changed_file_is_checked_again(captions: Path) -> None:
    before = read_provenance(captions)
    with h5py.File(captions, "a") as file:
        file.attrs["provenance"] = file.attrs["provenance"].replace(before.id, "0" * 16)
    assert read_provenance(captions).id == "0" * 16
