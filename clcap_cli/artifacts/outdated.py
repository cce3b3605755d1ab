"""Finding files that were created from an older version of a file."""

from pathlib import Path

from clcap_cli.artifacts.atomic import is_any_of
from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.artifacts.provenance import Provenance
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import is_file

SUFFIXES = (".h5", ".pt", ".json", ".csv", ".jsonl")
MAX_INPUTS = 1000
"""Maximum number of inputs of a file that are looked at."""
MAX_FILES = 100
"""Maximum number of files that are checked; only the newest files of the folder are."""


def files_from_older_version(path: Path) -> list[str]:
    """Names of the files in the folder of ``path`` that were created from another version of it, the oldest first.

    Versions that ``path`` extends do not count, because files that were created from them stay valid.

    Only their provenance is read. Files that are unreadable or were not written by clcap are ignored; if ``path`` is
    such a file, the list is empty.
    """
    current = _provenance_of(path)
    candidates = [other for other in path.parent.iterdir() if other.suffix in SUFFIXES and is_file(other)]
    newest = sorted(candidates, key=lambda other: other.stat().st_mtime)[-MAX_FILES:]
    return [other.name for other in newest if current and _is_from_older_version(other, path, current)]


def _is_from_older_version(other: Path, path: Path, current: Provenance) -> bool:
    provenance = _provenance_of(other)
    inputs = provenance.inputs[:MAX_INPUTS] if provenance else []
    return any(_leads_to(other.parent / item.path, path) and not current.is_or_extends(item.id) for item in inputs)


def _leads_to(recorded: Path, path: Path) -> bool:
    return recorded.name == path.name and "\0" not in str(recorded) and is_any_of(path, [recorded])


def _provenance_of(path: Path) -> Provenance | None:
    try:
        return read_provenance(path)
    except (ClcapError, OSError):
        return None
