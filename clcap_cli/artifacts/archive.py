"""Checking PyTorch files, which are ZIP archives, without importing PyTorch."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

from clcap_cli.errors import ClcapError, damaged_file_error, first_few
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.file_kinds.recognition import ForeignFileError, wrong_file_error
from clcap_cli.input_files import check_readable

CHECKPOINT = description_of("clcap/checkpoint")
DESCRIPTION = "/data.pkl"
"""End of the name of the entry that describes the content of a PyTorch file."""


def check_archive(path: Path) -> None:
    """Raise ClcapError unless ``path`` is a readable, uncompressed ZIP archive, as PyTorch writes it."""
    check_readable(path)
    with path.open("rb") as file:
        signature = file.read(2)
    if signature.startswith(b"\x80"):
        raise pickle_error(path)
    if signature != b"PK":
        raise wrong_file_error(path, CHECKPOINT)
    try:
        with zipfile.ZipFile(path) as archive:
            names, sizes = archive.namelist(), [entry.file_size for entry in archive.infolist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise unreadable_error(path) from error
    if not any(name.endswith(DESCRIPTION) for name in names) or any("/code/" in name for name in names):
        raise wrong_file_error(path, CHECKPOINT)
    if sum(sizes) > path.stat().st_size:
        raise damaged_file_error(path, "its content would be larger than the file")
    _check_description(path)


def _check_description(path: Path) -> None:
    """Raise ClcapError if the description of the content was changed, which its checksum shows.

    PyTorch would report a changed one as pickled objects, or not at all.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(DESCRIPTION):
                    archive.read(name)
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise unreadable_error(path) from error


def own_content(path: Path, content: Any) -> dict[str, Any]:
    """What was loaded from ``path``; raises ClcapError unless it has the provenance that clcap writes."""
    if not isinstance(content, dict) or "provenance" not in content:
        keys = f" (it contains {first_few(list(content))})" if isinstance(content, dict) and content else ""
        raise ForeignFileError(f"{path} is a PyTorch file of another program{keys}; {CHECKPOINT} is expected here")
    return content


def pickle_error(path: Path) -> ForeignFileError:
    """An error for a file that contains pickled objects."""
    return ForeignFileError(
        f"{path} contains pickled Python objects, which clcap never loads because they can run code; "
        "only checkpoints written by clcap can be used"
    )


def unreadable_error(path: Path) -> ClcapError:
    """An error for a damaged archive."""
    return ClcapError(f"{path} is not a readable checkpoint (damaged or truncated); create it again")
