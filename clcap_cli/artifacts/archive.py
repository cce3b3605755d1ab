"""Checking PyTorch files, which are ZIP archives, without importing PyTorch.

Only what PyTorch itself writes is accepted: entries with different names that are stored without compression and are
together no larger than the file. Reading an entry therefore takes no more memory than the file's size.
"""

import errno
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clcap_cli.errors import ClcapError, damaged_file_error, first_few
from clcap_cli.file_kinds.archives import ZIP_ERRORS
from clcap_cli.file_kinds.clcap_files import DESCRIPTIONS, description_of
from clcap_cli.file_kinds.recognition import ForeignFileError, file_kind, wrong_file_error
from clcap_cli.input_files import check_readable

CHECKPOINT = description_of("clcap/checkpoint")
DESCRIPTION = "/data.pkl"
"""End of the name of the entry that describes the content of a PyTorch file."""


def check_archive(path: Path) -> None:
    """Raise ClcapError unless ``path`` is a readable, uncompressed ZIP archive, as PyTorch writes it."""
    read_description(path)


def read_description(path: Path, expected: str = CHECKPOINT) -> bytes:
    """The pickle that describes the content of the file; errors say that ``expected`` is expected.

    Raises ClcapError unless ``path`` is a ZIP archive as PyTorch writes it. The pickle's checksum is verified; PyTorch
    would report a changed one as pickled objects, or not at all.
    """
    check_readable(path)
    with path.open("rb") as file:
        signature = file.read(2)
    if signature.startswith(b"\x80"):
        raise pickle_error(path)
    if signature != b"PK":
        raise wrong_file_error(path, expected)
    with _archive_errors(path), zipfile.ZipFile(path) as archive:
        _check_entries(path, archive.infolist(), expected)
        return archive.read(next(name for name in archive.namelist() if name.endswith(DESCRIPTION)))


def _check_entries(path: Path, entries: list[zipfile.ZipInfo], expected: str) -> None:
    names = [entry.filename for entry in entries]
    code = next((name for name in names if "/code/" in name), None)
    if not any(name.endswith(DESCRIPTION) for name in names) or (code and not _has_own_format(path)):
        raise wrong_file_error(path, expected)
    if code:
        raise damaged_file_error(path, f"its part '{code}' is for program code, which clcap never writes")
    if sum(max(entry.file_size, entry.compress_size) for entry in entries) > path.stat().st_size:
        raise damaged_file_error(path, "its content would be larger than the file")
    compressed = next((entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED), None)
    if compressed is not None:
        raise damaged_file_error(path, f"its part '{compressed}' is compressed, which PyTorch never does")
    name, count = Counter(name.lower() for name in names).most_common(1)[0]  # PyTorch finds parts in any case
    if count > 1:
        raise damaged_file_error(path, f"it has the part '{name}' {count} times")
    if sum(name.endswith(DESCRIPTION) for name in names) > 1:
        raise damaged_file_error(path, "it has two descriptions of its content")


def _has_own_format(path: Path) -> bool:
    """Whether a file names a format of clcap; it may have been changed since."""
    return file_kind(path).description in DESCRIPTIONS.values()


@contextmanager
def _archive_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except ZIP_ERRORS as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # an error of the disk
            raise
        raise unreadable_error(path) from error


def own_content(path: Path, content: Any, expected: str = CHECKPOINT) -> dict[str, Any]:
    """What was loaded from ``path``; raises ClcapError unless it has the provenance that clcap writes."""
    if not isinstance(content, dict) or "provenance" not in content:
        keys = f" (it contains {first_few(list(content))})" if isinstance(content, dict) and content else ""
        raise ForeignFileError(f"{path} is a PyTorch file of another program{keys}; {expected} is expected here")
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
