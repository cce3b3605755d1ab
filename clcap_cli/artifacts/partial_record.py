"""``features.partial.json``: the record of an unfinished ``features.h5``, whose rows are in ``features.partial``."""

from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, PositiveInt

from clcap_cli.artifacts.feature_datasets import Layout
from clcap_cli.artifacts.feature_info import BackboneInfo
from clcap_cli.artifacts.provenance import Provenance, parse_provenance
from clcap_cli.datasets.parsing import read_json, validated
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

    Raises ClcapError if the record is damaged.
    """
    path = record_path(out)
    if not (is_file(path) and is_file(partial_path(out))):
        return None
    record = validated(read_json(path), PartialRecord, path, f"a complete {KIND} file")
    parse_provenance(record.provenance.model_dump(), path, KIND)
    return record


def remove_partial(out: Path) -> None:
    """Remove the partial file of ``out``, if there is one."""
    for path in (record_path(out), partial_path(out)):
        with suppress(OSError):
            path.unlink()
