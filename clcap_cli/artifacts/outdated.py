"""Files that were made from an older version of a file."""

from pathlib import Path

from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.artifacts.provenance import Provenance
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_file

SUFFIXES = (".h5", ".pt", ".json")
MAX_FILES = 100
"""Maximum number of files in the folder that are looked at, the newest ones."""


def files_made_from_older(path: Path) -> list[str]:
    """Names of the files beside ``path`` that were made from another version of it, the oldest first.

    Only their provenance is read. Files that cannot be read, or that clcap did not write, are left out; if ``path`` is
    one of these, nothing is found.
    """
    current = _provenance_of(path)
    others = [other for other in path.parent.iterdir() if other.suffix in SUFFIXES and is_file(other)]
    newest = sorted(others, key=lambda other: other.stat().st_mtime)[-MAX_FILES:]
    return [other.name for other in newest if current and _is_made_from_older(other, path, current.id)]


def _is_made_from_older(other: Path, path: Path, id: str) -> bool:
    provenance = _provenance_of(other)
    inputs = provenance.inputs if provenance else []
    return any((other.parent / one.path).resolve() == path.resolve() and one.id != id for one in inputs)


def _provenance_of(path: Path) -> Provenance | None:
    try:
        return read_provenance(path)
    except (ClcapError, OSError):
        return None
