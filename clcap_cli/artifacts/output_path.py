"""Where an output may be written: a regular file, or a new one, in a folder that exists or can be created.

A symbolic link is followed: the file that it leads to is replaced, in its own folder, and the link stays.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from clcap_cli.errors import ClcapError

SYSTEM_FOLDERS = ("/proc", "/sys")
"""Folders of open files and of the kernel. ``/dev/stdout`` is a link into the first."""
MAX_LINKS = 40
"""Number of links after which Linux gives up."""
LONGEST_NAME = 255
"""Maximum length of a file's name in bytes."""


def real_path(path: Path) -> Path:
    """The absolute path of the file that ``path`` names, links followed."""
    # Unlike Path.resolve, realpath accepts links that form a cycle.
    return Path(os.path.realpath(path))


def is_any_of(path: Path, files: Iterable[Path]) -> bool:
    """Whether ``path`` is the same file as one of ``files``, links followed."""
    return real_path(path) in map(real_path, files)


def check_output_path(path: Path) -> None:
    """Raise ClcapError if no file can be written to ``path``; the check creates nothing on disk."""
    try:
        obstacle = _obstacle(path)
    except (OSError, ValueError) as error:  # ValueError: the path contains a NUL character
        obstacle = getattr(error, "strerror", None) or str(error)
    if obstacle:
        raise ClcapError(f"{path} cannot be written: {obstacle}")


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Raise ClcapError for errors of the system while ``path`` is written."""
    try:
        yield
    except OSError as error:
        raise ClcapError(f"{path} cannot be written: {error.strerror or error}") from error


def check_names_beside(out: Path, paths: Iterable[Path]) -> None:
    """Raise ClcapError if a name of ``paths``, files that are written beside ``out``, is too long for a file."""
    for path in paths:
        if (length := len(os.fsencode(path.name))) > LONGEST_NAME:
            raise ClcapError(
                f"{out} cannot be written: the name of {path.name}, which is written beside it, has {length} bytes, "
                f"at most {LONGEST_NAME} are possible; give a shorter name"
            )


def check_output_folder(folder: Path) -> None:
    """Raise ClcapError if no files can be written to ``folder``, which may be missing; creates nothing on disk."""
    obstacle = _obstacle_in_folder(folder / "file")
    if obstacle:
        raise ClcapError(f"{folder} cannot be written: {obstacle}")


def _obstacle(path: Path) -> str | None:
    """Why no file can be written to ``path``; None if one can. Raises OSError or ValueError for some reasons."""
    if any(real_path(step.parent).is_relative_to(folder) for step in _links(path) for folder in SYSTEM_FOLDERS):
        return "it is not a regular file; give the name of a file"
    return _obstacle_in_folder(path) or _obstacle_in_file(path) or _obstacle_in_folder(real_path(path))


def _links(path: Path) -> Iterator[Path]:
    """``path`` and, if it is a link, the paths that the link leads to, one after the other."""
    yield path
    for _ in range(MAX_LINKS):
        if not path.is_symlink():
            return
        path = path.parent / path.readlink()
        yield path


def _obstacle_in_file(path: Path) -> str | None:
    if path.is_symlink() and real_path(path).is_symlink():
        return "it is a link that leads back to itself; delete it"
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(mode):
        return "it is a folder; give the name of a file"
    if not stat.S_ISREG(mode):
        return "it is not a regular file; give the name of a file"
    if not mode & 0o222 or not os.access(path, os.W_OK):
        return f"the file exists and is read-only; make it writable (chmod u+w {path.name}) or give another name"
    return None


def _obstacle_in_folder(path: Path) -> str | None:
    folder = next(parent for parent in [*path.parents, Path.cwd()] if os.path.lexists(parent))
    if not folder.is_dir():
        return f"{folder} is not a folder"
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"{folder} is on a read-only file system"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"no permission to write to {folder}"
    return None
