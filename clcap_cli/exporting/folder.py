"""The folder of an exported captioner: replaced as a whole, and only if nothing in it would be lost."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from torch import Tensor

from clcap_cli.artifacts.atomic import (
    all_or_nothing,
    atomic_write,
    check_writable_folder,
    remove_new_folders_of,
    write_text,
)
from clcap_cli.artifacts.json_files import write_json
from clcap_cli.artifacts.provenance import Origin, parse_provenance
from clcap_cli.datasets.parsing import read_json, validated
from clcap_cli.digests import digest, digest_of_file, digest_of_json
from clcap_cli.errors import ClcapError, first_few

KIND = "clcap/export"
RECORD = "clcap.json"
"""File with the provenance and the names of the other files."""
CARD = "README.md"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Export:
    """The files of an exported captioner."""

    weights: Mapping[str, Mapping[str, Tensor]]
    """The tensors of each safetensors file by name."""
    texts: Mapping[str, str]
    """The content of every other file."""


class _Record(BaseModel):
    provenance: dict[str, Any]
    files: dict[str, str]
    """Digest of each file."""


def check_folder(folder: Path) -> None:
    """Create and lock the output folder.

    Raises ClcapError if it has files other than those of an earlier export, or if these were changed since.
    """
    found = [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []
    if found:
        _check_replaceable(folder, {path.name for path in found} - {RECORD})
    remove_new_folders_of(folder / CARD)
    check_writable_folder(folder, (".safetensors", ".json", ".md"))


def _check_replaceable(folder: Path, names: set[str]) -> None:
    recorded = _recorded_files(folder)
    if others := sorted(names - recorded.keys()):
        raise ClcapError(
            f"{folder} has files that are not of an earlier export: {first_few(others)}; give another folder"
        )
    if changed := [name for name in sorted(names) if digest_of_file(folder / name) != recorded[name]]:
        raise ClcapError(
            f"{folder} was changed after it was exported: {first_few(changed)}; move these files, or give "
            "another folder"
        )


def _recorded_files(folder: Path) -> dict[str, str]:
    """Digests of the files of the earlier export in ``folder``, by name; empty if there was none."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    record = validated(read_json(path), _Record, path, "the record of an earlier export")
    parse_provenance(record.provenance, path, KIND)
    return record.files


def write_folder(folder: Path, export: Export, origin: Origin) -> None:
    """Write all files of ``export``, or none of them, and remove those of an earlier export that it lacks."""
    earlier = _recorded_files(folder)
    with all_or_nothing():
        digests = {name: _write_tensors(folder / name, tensors) for name, tensors in export.weights.items()}
        digests |= {name: _write_text(folder / name, text) for name, text in export.texts.items()}
        provenance = origin.make_provenance(KIND, digest_of_json(digests), folder / RECORD)
        write_json(folder / RECORD, {"provenance": provenance.model_dump(), "files": digests})
    for name in earlier.keys() - digests.keys():
        (folder / Path(name).name).unlink(missing_ok=True)


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write a safetensors file; returns its digest."""
    from safetensors.torch import save_file

    with atomic_write(path) as part, _errors_of_safetensors():
        part.touch()
        mode = part.stat().st_mode
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part, metadata={"format": "pt"})
        part.chmod(mode)  # safetensors' own file can be read by its owner only
        return digest_of_file(part)


@contextmanager
def _errors_of_safetensors() -> Iterator[None]:
    """Raise OSError for the errors of the disk, which safetensors wraps."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise OSError(str(error)) from error


def _write_text(path: Path, text: str) -> str:
    """Write a text file; returns its digest."""
    write_text(path, text)
    return digest([text.encode("utf-8", "replace")])
