"""Damaged and malicious HDF5 files give one line of error."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from clcap_cli.artifacts import hdf5_survey
from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.hdf5 import open_hdf5
from clcap_cli.artifacts.hdf5_opening import open_for_reading
from clcap_cli.artifacts.hdf5_process import HDF5Processes, ProcessEndedError
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
    content[texts + 16 : texts + 528] = bytes(512)
    captions.write_bytes(content)
    for arguments in (("show", captions), ("train-mle", captions, captions)):
        assert error_of(*arguments) == (
            f"{captions} is not a readable HDF5 file (damaged or truncated): HDF5 crashes or does not finish reading "
            "it; create it again"
        )


def crash(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def be_killed(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def process_ids(*_: object) -> tuple[int, int]:
    return os.getpid(), os.getppid()


def test_a_file_that_crashes_hdf5(captions: Path, error_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_survey, "_survey_or_error", crash)
    assert error_of("show", captions).startswith(
        f"{captions} is not a readable HDF5 file (damaged or truncated): HDF5 crashes or does not finish reading it"
    )


def test_a_crash_does_not_affect_the_next_file(captions: Path) -> None:
    processes = HDF5Processes()
    with pytest.raises(ProcessEndedError) as error:
        processes.call(crash)
    assert error.value.status == -signal.SIGSEGV
    (first, helper), (second, same_helper) = processes.call(process_ids), processes.call(process_ids)
    assert first != second
    assert helper == same_helper
    os.kill(helper, signal.SIGKILL)
    time.sleep(0.2)
    assert processes.call(process_ids)[1] != helper
    processes.end()


def test_ctrl_c_while_hdf5_reads(captions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = HDF5Processes()
    _, helper = processes.call(process_ids)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            processes.call(time.sleep, 60)
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # the system takes a moment to remove the processes
            os.killpg(helper, 0)
            time.sleep(0.05)


def test_relative_paths_start_from_the_current_folder(
    captions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    captions.rename(tmp_path / "other" / "moved.h5")
    for folder, path in ((tmp_path, Path("other/moved.h5")), (tmp_path / "other", Path("moved.h5"))):
        monkeypatch.chdir(folder)
        assert open_captions(path).path == path


def test_every_truncation_of_a_file_is_refused(captions: Path) -> None:
    whole = captions.read_bytes()
    for length in range(0, len(whole), len(whole) // 40):
        captions.write_bytes(whole[:length])
        expected = "an empty file" if length == 0 else "not a readable HDF5 file"
        with pytest.raises(ClcapError, match=rf"captions\.h5 is {expected}"):
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
        ("provenance", "is not a clcap file: its provenance is damaged"),
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


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_file_that_another_program_writes_is_not_damaged(captions: Path, error_of, libver: str) -> None:
    """Another process has to write it: HDF5 shares the locks of one process."""
    code = (
        "import h5py, sys; file = h5py.File(sys.argv[1], 'a', libver=sys.argv[2]); file.attrs['x'] = 1; file.flush(); "
        "print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(captions), libver]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        message = error_of("train-mle", captions, captions)
        writer.stdin.close()
    assert message == (
        f"{captions} is open for writing in another program; wait until it has finished (if it crashed, create the "
        "file again)"
    )
    open_captions(captions)


def test_a_file_system_without_locks_is_read(captions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, real = [], h5py.File

    def without_locks(path: Path, mode: str, locking: bool = True) -> h5py.File:
        opened.append(locking)
        if locking:
            raise OSError(errno.ENOLCK, "No locks available")
        return real(path, mode, locking=locking)

    monkeypatch.setattr(h5py, "File", without_locks)
    with open_for_reading(captions) as file:
        assert "captions" in file
    assert opened == [True, False]


def survey_on_a_broken_disk(*arguments: object) -> object:
    def broken_disk(*_: object) -> h5py.File:
        raise OSError(errno.EIO, "Unable to open file (file read failed: ...)")

    h5py.File = broken_disk  # in the process of this call only
    return hdf5_survey._survey_or_error(*arguments)


def test_an_error_of_the_disk_is_not_called_damage(captions: Path, error_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_survey, "_survey_or_error", survey_on_a_broken_disk)
    assert error_of("show", captions) == f"{captions} cannot be read: Input/output error"


def test_a_reader_that_the_system_kills_is_told(captions: Path, error_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_survey, "_survey_or_error", be_killed)
    assert error_of("show", captions) == (
        f"{captions} could not be read: the system ended HDF5, probably for lack of memory"
    )
