"""Names of the hidden files beside an output: its lock and its temporary files."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from clcap_cli.digests import digest

LONGEST_NAME = 180
"""Length in bytes up to which the name of an output is part of these names; file systems allow 255 bytes in all."""
KEPT_CHARACTERS = 40
"""Characters that are kept of a longer name, which take up to 160 bytes."""
HOST = re.sub(r"[^A-Za-z0-9-]", "_", os.uname().nodename)[:32]
"""Name of this computer in the names of temporary files."""
_ENDING = re.compile(r"(?:(?P<host>[A-Za-z0-9_-]*)-)?\d+\.part")


def lock_path(path: Path) -> Path:
    """The lock of an output: ``.nt.pt.lock`` for ``nt.pt``."""
    return path.with_name(f".{_shortened(path.name)}.lock")


def temporary_path(path: Path) -> Path:
    """The file in which this process writes an output: ``.nt.pt.HOST-PID.part`` for ``nt.pt``."""
    return path.with_name(f".{_shortened(path.name)}.{HOST}-{os.getpid()}.part")


def temporary_paths(path: Path) -> Iterator[tuple[Path, str]]:
    """All temporary files of an output, each with the name of the computer that wrote it.

    Earlier versions left the computer's name out; theirs count as this computer's.
    """
    prefix = f".{_shortened(path.name)}."
    for entry in os.scandir(path.parent):
        ending = _ENDING.fullmatch(entry.name.removeprefix(prefix)) if entry.name.startswith(prefix) else None
        if ending:
            yield path.with_name(entry.name), HOST if ending["host"] is None else ending["host"]


def _shortened(name: str) -> str:
    """``name``; if it is too long to be extended, its start and a digest of it."""
    encoded = os.fsencode(name)
    return name if len(encoded) <= LONGEST_NAME else f"{name[:KEPT_CHARACTERS]}~{digest([encoded])}"
