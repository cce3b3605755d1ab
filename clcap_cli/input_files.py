"""Files that people name: what keeps one from being read is found out before anything opens it."""

import stat
from pathlib import Path

from clcap_cli.errors import ClcapError


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
