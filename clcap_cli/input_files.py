"""Files that people name: what keeps one from being read is found out before anything opens it."""

import stat
from dataclasses import dataclass
from pathlib import Path

from clcap_cli.errors import ClcapError


@dataclass(frozen=True)
class InputFile:
    """Marks a parameter whose value is a file to read."""

    def check(self, path: Path) -> None:
        """Raise ClcapError when the file is missing, a folder or unreadable."""
        check_readable(path)


@dataclass(frozen=True)
class InputFolder:
    """Marks a parameter whose value is a folder to read."""

    def check(self, path: Path) -> None:
        """Raise ClcapError when the folder is missing or a file."""
        if not path.is_dir():
            raise ClcapError(f"{path} is {'not a folder' if path.exists() else 'missing'}; a folder is needed here")


class NoSuchFileError(ClcapError):
    """A file that is not there."""


def check_readable(path: Path) -> None:
    """Raise ClcapError with the true reason unless ``path`` is a regular file that may be read.

    Many libraries would call the file damaged instead, or wait for ever for a pipe to say something.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            with path.open("rb") as file:
                file.read(1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoSuchFileError(f"no such file: {path}") from error
    except (OSError, ValueError) as error:  # the latter for a path with a NUL in it
        raise ClcapError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if stat.S_ISDIR(mode):
        raise ClcapError(f"{path} is a folder; a file is needed here")
    if not stat.S_ISREG(mode):
        raise ClcapError(f"{path} is not a regular file; save what it gives in one")


def is_file(path: Path) -> bool:
    """Whether there is a regular file at ``path``, which can be any text, longer even than a name may be."""
    try:
        return path.is_file()
    except OSError:
        return False
