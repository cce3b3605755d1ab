"""Checks of input files that users name, made before any library opens them."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from clcap_cli.errors import ClcapError, NoSuchFileError
from clcap_cli.path_patterns import files_of, is_pattern
from clcap_cli.remote_path import RemotePath

SYSTEM_FOLDERS = ("/dev/", "/proc/", "/sys/")
"""Folders of devices and processes; opening some of their files waits forever or changes the machine."""
SHARED_MEMORY = "/dev/shm"
"""A folder of ordinary files within them."""


@dataclass(frozen=True)
class InputFile:
    """Marks a parameter whose value is a file to read."""

    def check(self, path: Path) -> None:
        """Raise ClcapError when the file is missing, a folder or unreadable."""
        check_readable(path)


@dataclass(frozen=True)
class ReadsAddresses:
    """Marks a parameter whose value can also be an address of an object store."""


@dataclass(frozen=True)
class InputFileOrFolder(InputFile, ReadsAddresses):
    """Marks a parameter whose value is a file, a folder or a pattern of files to read."""

    def check(self, path: Path) -> None:
        """Raise ClcapError when the path is missing, or a file that is unreadable; of a pattern, the first file is."""
        first = files_of(path)[0] if is_pattern(path) else path
        if not is_folder(first):
            check_readable(first)


@dataclass(frozen=True)
class InputFolder:
    """Marks a parameter whose value is a folder to read."""

    def check(self, path: Path) -> None:
        """Raise ClcapError when the folder is missing or a file."""
        if not path.is_dir():
            raise ClcapError(f"{path} is {'not a folder' if path.exists() else 'missing'}; a folder is expected here")


@dataclass(frozen=True)
class InputFolderOrTar(InputFileOrFolder):
    """Marks a parameter whose value is a folder, a tar archive or a pattern of tar archives to read."""

    def check(self, path: Path) -> None:
        """See InputFileOrFolder."""
        try:
            super().check(path)
        except NoSuchFileError as error:
            raise ClcapError(f"{path} is missing; a folder or a tar archive is expected here") from error


def check_readable(path: Path) -> None:
    """Raise ClcapError with the actual reason unless ``path`` is a readable regular file.

    Many libraries would report the file as damaged instead, or wait forever for data from a pipe.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            with path.open("rb") as file:
                file.read(1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoSuchFileError(f"no such file: {path}") from error
    except (OSError, ValueError) as error:  # ValueError: the path contains a NUL character
        raise ClcapError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if stat.S_ISDIR(mode):
        raise ClcapError(f"{path} is a folder; a file is expected here")
    if not stat.S_ISREG(mode):
        raise ClcapError(f"{path} is not a regular file; save its output to a file first")


def is_file(path: Path) -> bool:
    """Whether ``path`` is a regular file; False for text that cannot be a path, such as an overlong name."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_of_system(path: Path) -> bool:
    """Whether the path leads into a folder of devices and processes, or to all files of the machine."""
    real = os.path.realpath(path)  # unlike Path.resolve, it accepts links that form a cycle
    in_memory = real.startswith(f"{SHARED_MEMORY}{os.sep}")
    return real == os.sep or (not in_memory and f"{real}{os.sep}".startswith(SYSTEM_FOLDERS))


def is_folder_on_disk(path: Path) -> bool:
    """Whether ``path`` is a folder, and not one of an object store."""
    return not isinstance(path, RemotePath) and is_folder(path)


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder; False for text that cannot be a path, such as an overlong name."""
    try:
        return path.is_dir()
    except OSError:
        return False
