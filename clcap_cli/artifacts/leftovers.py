"""Removing the temporary files of runs that were killed."""

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from clcap_cli.artifacts.hidden_files import HOST, TemporaryFile, temporary_files, temporary_files_of
from clcap_cli.artifacts.output_lock import is_busy
from clcap_cli.console import print_info, print_warning
from clcap_cli.errors import first_few

SECONDS_OF_OTHER_HOSTS = 24 * 3600.0
"""Time after which an unchanged temporary file of another computer counts as left over.

Some network file systems keep locks to one computer, so that a run on another one could still be writing the file.
"""


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files of ``path`` that killed runs left, and print their size.

    The caller must hold the lock of ``path``: then no process of this computer is writing them.
    """
    _remove(temporary_files_of(path))


def remove_leftovers_in(folder: Path, suffixes: tuple[str, ...]) -> None:
    """``remove_leftovers`` for all outputs in ``folder`` with one of the ``suffixes``; its lock must be held."""
    _remove(
        [
            file
            for file in temporary_files(folder)
            if file.output.endswith(suffixes) and not is_busy(folder / file.output)
        ]
    )


def _remove(files: Sequence[TemporaryFile]) -> None:
    stale = [file.path for file in files if file.host == HOST or _is_old(file.path)]
    foreign = [file.path for file in files if file.path not in stale]
    if stale:
        size = _size(stale)
        for path in stale:
            remove(path)
        print_info(f"removed {size} left by an interrupted run: {first_few([path.name for path in stale])}")
    if foreign:
        print_warning(
            f"{_size(foreign)} in {foreign[0].parent} may belong to a run on another computer: "
            f"{first_few([path.name for path in foreign])}; delete it if no such run is left"
        )


def remove(path: Path) -> None:
    """Remove a file, or a folder with its content, as far as permissions allow."""
    with suppress(OSError):
        path.unlink() if path.is_symlink() or not path.is_dir() else shutil.rmtree(path, ignore_errors=True)


def _is_old(part: Path) -> bool:
    with suppress(OSError):
        return time.time() - part.stat().st_mtime > SECONDS_OF_OTHER_HOSTS
    return False


def _size(parts: Sequence[Path]) -> str:
    total = 0
    for part in parts:
        for file in part.rglob("*") if part.is_dir() else [part]:
            with suppress(OSError):
                total += file.stat().st_size
    return f"{total / 2**20:,.1f} MiB"
