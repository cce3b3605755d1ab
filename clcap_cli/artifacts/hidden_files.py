"""Names of the hidden files beside an output: its lock and its temporary files."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clcap_cli.digests import digest

LONGEST_NAME = 180
"""Length in bytes up to which the name of an output is part of these names; file systems allow 255 bytes in all."""
KEPT_CHARACTERS = 40
"""Characters that are kept of a longer name, which take up to 160 bytes."""
HOST = re.sub(r"[^A-Za-z0-9-]", "_", os.uname().nodename)[:32]
"""Name of this computer in the names of temporary files."""
_TEMPORARY = re.compile(r"\.(?P<output>.+)\.(?:(?P<host>[A-Za-z0-9_-]*)-)?(?P<pid>\d+)\.part", re.DOTALL)


@dataclass(frozen=True)
class TemporaryFile:
    """A temporary file on disk."""

    path: Path
    output: str
    """Name of the output that a process was writing."""
    host: str
    """Name of that process's computer. Earlier versions left it out; their files count as this computer's."""
    pid: int

    @property
    def is_being_written(self) -> bool:
        """Whether a process of this computer with its id is running."""
        return self.host == HOST and _is_running(self.pid)


def lock_path(path: Path) -> Path:
    """The lock of an output: ``.nt.pt.lock`` for ``nt.pt``; for a folder, ``.folder.lock`` in it."""
    return path / ".folder.lock" if path.is_dir() else path.with_name(f".{_shortened(path.name)}.lock")


def temporary_path(path: Path) -> Path:
    """The file in which this process writes an output: ``.nt.pt.HOST-PID.part`` for ``nt.pt``."""
    return path.with_name(f".{_shortened(path.name)}.{HOST}-{os.getpid()}.part")


def temporary_files_of(path: Path) -> list[TemporaryFile]:
    """All temporary files of an output."""
    return [file for file in temporary_files(path.parent) if file.output == _shortened(path.name)]


def temporary_files(folder: Path) -> Iterator[TemporaryFile]:
    """All temporary files of the outputs in a folder."""
    for entry in os.scandir(folder):
        if found := as_temporary_file(folder / entry.name):
            yield found


def as_temporary_file(path: Path) -> TemporaryFile | None:
    """The temporary file at ``path``, by its name; None if it is not one."""
    found = _TEMPORARY.fullmatch(path.name)
    if found is None:
        return None
    return TemporaryFile(path, found["output"], HOST if found["host"] is None else found["host"], int(found["pid"]))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # of another user
        return True
    return True


def _shortened(name: str) -> str:
    """``name``; if it is too long to be extended, its start and a digest of it."""
    encoded = os.fsencode(name)
    return name if len(encoded) <= LONGEST_NAME else f"{name[:KEPT_CHARACTERS]}~{digest([encoded])}"
