"""``features.partial.json``: the record of an unfinished ``features.h5``, whose rows are in ``features.partial``."""

from contextlib import suppress
from itertools import islice, takewhile
from pathlib import Path

from pydantic import BaseModel, PositiveInt

from clcap_cli.artifacts.feature_datasets import Layout
from clcap_cli.artifacts.feature_info import BackboneInfo
from clcap_cli.artifacts.hdf5 import open_hdf5
from clcap_cli.artifacts.provenance import Provenance, parse_provenance
from clcap_cli.artifacts.row_digests import ROW_SIZE
from clcap_cli.datasets.parsing import read_json, validated
from clcap_cli.errors import ClcapError
from clcap_cli.file_kinds.signatures import HDF5
from clcap_cli.input_files import is_file

KIND = "clcap/partial-features"


def partial_path(out: Path) -> Path:
    """Path of the rows of an unfinished features file: ``features.partial`` for ``features.h5``."""
    return _beside(out, ".partial")


def record_path(out: Path) -> Path:
    """Path of the record of an unfinished features file: ``features.partial.json`` for ``features.h5``."""
    return _beside(out, ".partial.json")


def _beside(out: Path, suffix: str) -> Path:
    """``out`` with another suffix; beside the file that it links to, if it is a link."""
    return (out.resolve() if out.is_symlink() else out).with_suffix(suffix)


class Extraction(BaseModel):
    """What the rows of a partial file belong to."""

    provenance: Provenance
    backbone: BackboneInfo
    images: PositiveInt
    """Number of rows that the file has room for."""
    reused: str | None
    """Id of the features file whose rows are reused; None if there is none."""
    device: str
    threads: PositiveInt


class PartialRecord(Extraction):
    """The record beside a partial file."""

    layout: Layout


def read_record(out: Path) -> PartialRecord | None:
    """The record of the partial file of ``out``; None if there is no partial file.

    Raises ClcapError if the record is damaged, or if another program's file has one of the names.
    """
    path = record_path(out)
    if not is_file(path):
        _check_replaceable(partial_path(out), out)
        return None
    record = validated(read_json(path), PartialRecord, path, f"a complete {KIND} file")
    parse_provenance(record.provenance.model_dump(), path, KIND)
    return record if is_file(partial_path(out)) else None


def _check_replaceable(path: Path, out: Path) -> None:
    """Raise ClcapError if a partial file without a record is not what a killed run leaves.

    Such a run leaves an empty or unfinished file, or a second name of the finished ``out``.
    """
    if not is_file(path) or (out.exists() and path.samefile(out)):
        return
    with path.open("rb") as file:
        start = file.read(8)
    if start.strip(b"\0") and (start != HDF5 or _is_complete(path)):
        raise ClcapError(
            f"{path} is not an unfinished features file, but extract-features needs this name for {out}; rename it or "
            "give another --out"
        )


def _is_complete(path: Path) -> bool:
    try:
        with open_hdf5(path):
            return True
    except ClcapError:
        return False


def rows_written(path: Path, record: PartialRecord) -> int:
    """Number of rows in the partial file ``path`` before the first that was not written; 0 if there is no such file."""
    if not is_file(path):
        return 0
    with path.open("rb") as file:
        file.seek(min(record.layout.row_digests, path.stat().st_size))
        digests = iter(lambda: file.read(ROW_SIZE), b"")
        written = takewhile(lambda digest: len(digest) == ROW_SIZE and any(digest), digests)
        return sum(1 for _ in islice(written, record.images))


def remove_partial(out: Path) -> None:
    """Remove the partial file of ``out``, if there is one."""
    for path in (record_path(out), partial_path(out)):
        with suppress(OSError):
            path.unlink()
