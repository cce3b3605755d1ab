"""Finding an artifact's inputs, which are the default inputs of later stages."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clcap_cli.artifacts.archive import own_content
from clcap_cli.artifacts.hdf5 import open_hdf5
from clcap_cli.artifacts.json_files import provenance_path
from clcap_cli.artifacts.plain_pickle import plain_values
from clcap_cli.artifacts.provenance import Artifact, Input, Provenance, parse_provenance
from clcap_cli.console import print_details
from clcap_cli.datasets.parsing import read_json
from clcap_cli.errors import ClcapError, NoSuchFileError
from clcap_cli.file_kinds.recognition import wrong_file_error
from clcap_cli.input_files import check_readable, is_file, is_of_system
from clcap_cli.remote_path import is_address


class ChangedInputError(ClcapError):
    """A recorded input that is another file now."""


class UnsafePathError(ClcapError):
    """A recorded path of an input that clcap does not follow."""


@dataclass(frozen=True)
class RecordedArtifact:
    """A file of which only the provenance is read, which takes no time."""

    path: Path
    provenance: Provenance


def find_input(artifact: Artifact, role: str, given: Path | None, option: str) -> Path:
    """The input of ``artifact`` with this ``role``, or ``given`` if it is not None.

    A file that was extended since is still that input.

    Raises ClcapError if the file was moved or has changed since; the message names the ``option`` to give it with.
    """
    if given is not None:
        return given
    recorded = artifact.provenance.input(role) if artifact.provenance else None
    if recorded is None:
        raise ClcapError(
            f"{artifact.path} does not record which {role} it was created from; give the file with {option}"
        )
    try:
        found = unchanged_path(artifact.path, recorded)
    except NoSuchFileError as error:
        raise ClcapError(f"{error}; give its new path with {option}") from error
    except ChangedInputError as error:
        raise ClcapError(f"{error}; to use it anyway, give it with {option}") from error
    except UnsafePathError as error:
        raise ClcapError(f"{error}; give the file with {option}") from error
    print_details(f"{option}: {artifact.path.parent / recorded.path}, from which {artifact.path} was created")
    return found


def unchanged_path(path: Path, item: Input) -> Path:
    """The path of an input that the file at ``path`` records, which has the recorded id or extends the file with it.

    Raises NoSuchFileError if it is not there, ChangedInputError if it is another file now, UnsafePathError as
    ``recorded_path`` does, and ClcapError if it cannot be read.
    """
    found, shown_path = recorded_path(path, item), path.parent / item.path
    try:
        current = read_provenance(found)
    except NoSuchFileError as error:
        if finished := _finished(found, item.id):
            return finished
        raise NoSuchFileError(f"{path} was created from {shown_path}, which no longer exists") from error
    if not current.is_or_extends(item.id):
        raise ChangedInputError(
            f"{shown_path} has changed since {path} was created from it (then {item.id}, now {current.id})"
        )
    return found


def recorded_path(path: Path, item: Input) -> Path:
    """The path of an input that the file at ``path`` records.

    Raises UnsafePathError for a path that is an address, is absolute or leads to files of the system: a file from
    another person must not make clcap ask servers or read devices.
    """
    found = path.resolve().parent / item.path
    if not _can_be_path(item.path) or is_address(item.path) or Path(item.path).is_absolute() or is_of_system(found):
        raise UnsafePathError(
            f"{path} records '{item.path}' as the path of its {item.role}, which clcap does not follow: it records "
            "paths relative to the file"
        )
    return found


def _can_be_path(text: str) -> bool:
    """Whether the text has only characters that the names of files can have."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold
        return False


def _finished(path: Path, id: str) -> Path | None:
    """The finished checkpoint of a run whose best checkpoint so far was at ``path``, if it is the same model.

    When a run finishes, its ``nt.best.pt`` is removed, because ``nt.pt`` replaces it.
    """
    checkpoint = path.with_name(f"{path.name.removesuffix('.best.pt')}.pt")
    with suppress(ClcapError):
        return checkpoint if read_provenance(checkpoint).id == id else None
    return None


def read_provenance(path: Path) -> Provenance:
    """Read the provenance of any artifact.

    Raises ClcapError if the file is missing, damaged, or was not written by clcap.
    """
    return parse_provenance(_provenance_record(path), path)


def _provenance_record(path: Path) -> Any:
    check_readable(path)
    with path.open("rb") as file:
        signature = file.read(8)
    if signature.startswith(b"\x89HDF"):
        with open_hdf5(path) as (_, provenance):
            return provenance.model_dump()
    if signature.startswith(b"PK"):
        return own_content(path, plain_values(path))["provenance"]
    if path.suffix == ".json" and signature.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"["):
        content = read_json(path)
        if isinstance(content, dict) and "provenance" in content:
            return content["provenance"]
    if is_file(provenance_path(path)):
        return read_json(provenance_path(path))
    raise wrong_file_error(path, "a file that clcap wrote")
