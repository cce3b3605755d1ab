"""Following the chain of files: what an artifact was made from are the defaults of what follows it."""

from pathlib import Path
from typing import Any

from clcap_cli.artifacts.hdf5 import open_hdf5
from clcap_cli.artifacts.json_files import provenance_path
from clcap_cli.artifacts.provenance import Artifact, Provenance, parse_provenance
from clcap_cli.datasets.parsing import read_json
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import NoSuchFileError, check_readable, is_file


def find_input(artifact: Artifact, role: str, given: Path | None, option: str) -> Path:
    """The file that played ``role`` when ``artifact`` was made, or ``given`` in its place.

    Raises ClcapError when the file was moved or made again since, naming the ``option`` that says which one to use.
    """
    if given is not None:
        return given
    recorded = artifact.provenance.input(role) if artifact.provenance else None
    if recorded is None:
        raise ClcapError(f"{artifact.path} does not say which {role} it was made from; give it with {option}")
    path = artifact.path.resolve().parent / recorded.path
    place = artifact.path.parent / recorded.path
    try:
        found = read_provenance(path)
    except NoSuchFileError as error:
        raise ClcapError(
            f"{artifact.path} was made from {place}, which is not there now; give its place with {option}"
        ) from error
    if found.id != recorded.id:
        raise ClcapError(
            f"{place} was made again since {artifact.path} was made from it (then {recorded.id}, now {found.id}); "
            f"to use it all the same, give it with {option}"
        )
    return path


def read_provenance(path: Path) -> Provenance:
    """The record of any artifact.

    Raises ClcapError when the file is missing, damaged, or not clcap's.
    """
    return parse_provenance(_record(path), path)


def _record(path: Path) -> Any:
    check_readable(path)
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"\x89HDF"):
        with open_hdf5(path) as (_, provenance):
            return provenance.model_dump()
    if start.startswith(b"PK"):
        from clcap_cli.artifacts import torch_files

        return torch_files.load(path)["provenance"]
    if path.suffix == ".json":
        content = read_json(path)
        if isinstance(content, dict) and "provenance" in content:
            return content["provenance"]
        if is_file(provenance_path(path)):
            return read_json(provenance_path(path))
    raise ClcapError(f"{path} is not a file that clcap wrote")
