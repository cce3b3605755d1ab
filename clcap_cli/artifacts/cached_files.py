"""Finding the caches, saved training runs and leftover temporary files in a folder.

A file counts only if both its name and its content are those of such a file.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from clcap_cli.artifacts.archive import own_content
from clcap_cli.artifacts.cache import LOG_PROBS_KIND, NEIGHBOURS_KIND, TOKENS_KIND
from clcap_cli.artifacts.hidden_files import as_temporary_file, temporary_files_of
from clcap_cli.artifacts.leftovers import remove_leftovers
from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.artifacts.output_lock import BusyError, ForeignLockError, is_busy, locked
from clcap_cli.artifacts.partial_record import KIND as PARTIAL_KIND
from clcap_cli.artifacts.plain_pickle import plain_values
from clcap_cli.artifacts.provenance import Provenance, parse_provenance
from clcap_cli.artifacts.state_shards import FOLDER, NAME, shard_files
from clcap_cli.compute.settings import CHOSEN_BY_THE_RUN
from clcap_cli.console import print_warning
from clcap_cli.datasets.parsing import read_json
from clcap_cli.errors import ClcapError
from clcap_cli.file_kinds.signatures import HDF5

CACHES = {
    ".reference.h5": (LOG_PROBS_KIND, "reference's ln p", "reference"),
    ".neighbours.h5": (NEIGHBOURS_KIND, "nearest images", "features"),
    ".tokens.h5": (TOKENS_KIND, "encoded captions", "captions"),
}
"""Format, description, and role of the input that a cache belongs to, by the end of the cache's name."""
STARTS = (HDF5, b"PK", b"{", b"[", bytes(8))
"""First bytes of files that clcap writes; HDF5 writes its own last."""


@dataclass
class CachedFile:
    """A cache, a part of a saved run, or a leftover temporary file."""

    path: Path
    description: str
    belongs_to: str
    """The file that it belongs to, in words, and what became of that file."""
    output: Path
    """Path whose lock a process holds while it writes the file."""
    is_work: bool = False
    """Whether it is needed to continue an unfinished run."""
    is_temporary: bool = False
    companions: Sequence[Path] = ()
    """Files that are removed with it: the record that describes it, or the shards of a state."""

    @property
    def paths(self) -> list[Path]:
        """All its files."""
        return [self.path, *self.companions]

    def __post_init__(self) -> None:
        found = [path.stat() for path in self.paths]
        self.size = sum(min(one.st_size, one.st_blocks * 512) for one in found)
        """Size in bytes on disk; holes do not count."""

    @property
    def in_use(self) -> bool:
        """Whether a running process is writing it."""
        is_written = any(part.is_being_written for part in temporary_files_of(self.output))
        return is_written or is_busy(self.path) or is_busy(self.output)

    def removed(self) -> bool:
        """Remove it, unless a running process may be writing it; returns whether it is removed."""
        if self.in_use:
            return False
        with ExitStack() as locks:
            try:
                for path in dict.fromkeys((self.output, self.path)):
                    locks.enter_context(locked(path))
            except BusyError:
                return False
            except ForeignLockError as error:
                print_warning(f"{self.path} is left: {error}")
                return False
            self._remove()
        for folder in {path.parent for path in self.paths} - {self.output.parent}:  # of shards
            with suppress(OSError):
                folder.rmdir()
        return not self.path.exists()

    def _remove(self) -> None:
        if self.is_temporary:
            remove_leftovers(self.output)
            return
        for path in self.paths:
            path.unlink(missing_ok=True)


def find_cached_files(folder: Path) -> tuple[list[CachedFile], list[Path]]:
    """The files in ``folder`` and its subfolders, sorted by path, and those that only have the name of such a file.

    Links are not followed.
    """
    found: list[CachedFile] = []
    foreign: list[Path] = []
    for path in sorted(_files_below(folder)):
        try:
            found += _recognised(path)
        except (ClcapError, OSError):
            foreign.append(path)
    return found, foreign


def _recognised(path: Path) -> list[CachedFile]:
    """The file at ``path``, if it is one; raises ClcapError if only its name is that of one."""
    return [one for recognise in RECOGNISERS if (one := recognise(path))]


def _files_below(folder: Path) -> Iterator[Path]:
    """All regular files in ``folder`` and its subfolders; raises ClcapError if ``folder`` itself is unreadable."""

    def check(error: OSError) -> None:
        if error.filename == str(folder):
            raise ClcapError(f"{folder} cannot be read: {error.strerror}") from error

    for parent, _, names in os.walk(folder, onerror=check):
        for name in names:
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _cache(path: Path) -> CachedFile | None:
    for suffix, (format, description, role) in CACHES.items():
        if path.name.endswith(suffix):
            provenance = parse_provenance(read_provenance(path).model_dump(), path, format)
            return CachedFile(path, description, _owner(path, provenance, role), path)
    return None


def _owner(path: Path, provenance: Provenance, role: str) -> str:
    """The input of a cache that it belongs to, and whether that file is still the same."""
    recorded = provenance.input(role)
    if recorded is None:
        return "nothing"
    owner = path.parent / recorded.path
    if not owner.exists():
        return f"{recorded.path}, which is gone"
    with suppress(ClcapError, OSError):
        if read_provenance(owner).id == recorded.id:
            return recorded.path
    return f"an earlier {recorded.path}"


def _state(path: Path) -> CachedFile | None:
    if not path.name.endswith(".state.pt"):
        return None
    provenance = parse_provenance(own_content(path, plain_values(path))["provenance"], path, "clcap/train-state")
    found = _part_of_run(path, "state of training", provenance, path.name.removesuffix(".state.pt"))
    return replace(found, companions=shard_files(path))


def _left_shard(path: Path) -> CachedFile | None:
    """A shard whose state is gone."""
    folder = FOLDER.fullmatch(path.parent.name)
    if not folder or not NAME.fullmatch(path.name):
        return None
    state = path.parent.with_name(f"{folder['state']}.pt")
    if state.exists():
        return None
    with path.open("rb") as file:
        start = file.read(9)
    if len(start) == 9 and not start.endswith(b"{"):
        raise ClcapError(f"{path} is not a file of clcap")
    return CachedFile(path, "shard of a state", f"{state.name}, which is gone", state)


def _best(path: Path) -> CachedFile | None:
    ending = next((one for one in (".best.pt", ".best.discriminator.pt") if path.name.endswith(one)), None)
    if ending is None:
        return None
    content = own_content(path, plain_values(path))
    provenance = parse_provenance(content["provenance"], path)
    training = content.get("training")
    if not isinstance(training, dict) or training.get("finished") is not False:
        return None  # a finished checkpoint that happens to have this name
    return _part_of_run(path, "best so far", provenance, path.name.removesuffix(ending))


def _part_of_run(path: Path, description: str, provenance: Provenance, stem: str) -> CachedFile:
    output = path.with_name(Path(str(provenance.settings.get("out") or f"{stem}.pt")).name)
    if output.stem != stem:
        output = path.with_name(f"{stem}.pt")
    finished = _is_result(output, provenance)
    owner = f"{output.name}, which is {'finished' if finished else 'unfinished'}"
    return CachedFile(path, description, owner, output, is_work=not finished)


def _is_result(output: Path, run: Provenance) -> bool:
    """Whether the checkpoint ``output`` was written by the same run later."""
    try:
        result = read_provenance(output)
    except (ClcapError, OSError):
        return False
    return _identity(result) == _identity(run) and result.created >= run.created


def _identity(provenance: Provenance) -> tuple[object, ...]:
    """What two files of the same run have in common."""
    settings = {name: value for name, value in provenance.settings.items() if name not in CHOSEN_BY_THE_RUN}
    return provenance.stage, settings, [(one.role, one.id) for one in provenance.inputs]


def _partial(path: Path) -> CachedFile | None:
    if not path.name.endswith(".partial.json"):
        return None
    content = read_json(path)
    rows = path.with_name(path.name.removesuffix(".json"))
    record = content.get("provenance") if isinstance(content, dict) else None
    parse_provenance(record, path, PARTIAL_KIND)
    output = rows.with_suffix(".h5")
    has_rows = rows.is_file() and not rows.is_symlink()
    owner = f"{output.name}, which is unfinished"
    if not has_rows:
        return CachedFile(path, "features so far", owner, output, True)
    return CachedFile(rows, "features so far", owner, output, True, companions=[path])


def _partial_ranks(path: Path) -> CachedFile | None:
    found = re.fullmatch(r"(.+)\.partial-\d{5}\.pt", path.name)
    if not found:
        return None
    parse_provenance(own_content(path, plain_values(path))["provenance"], path, "clcap/partial-ranks")
    output = path.with_name(f"{found[1]}.json")
    return CachedFile(path, "ranks so far", f"{output.name}, which is unfinished", output, True)


def _leftover(path: Path) -> CachedFile | None:
    temporary = as_temporary_file(path)
    if temporary is None:
        return None
    output = path.with_name(temporary.output)
    with path.open("rb") as file:
        start = file.read(8)
    if start and not start.startswith(STARTS):
        raise ClcapError(f"{path} is not a file of clcap")
    return CachedFile(path, "temporary file", output.name, output, is_temporary=True)


RECOGNISERS: tuple[Callable[[Path], CachedFile | None], ...] = (
    _cache,
    _state,
    _left_shard,
    _best,
    _partial,
    _partial_ranks,
    _leftover,
)
