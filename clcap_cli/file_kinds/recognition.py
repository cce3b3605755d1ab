"""Recognises what a file is, and says so in an error about a file that is not the expected one."""

from pathlib import Path

from clcap_cli.errors import ClcapError
from clcap_cli.file_kinds.archives import archive_kind
from clcap_cli.file_kinds.kind import HEAD_SIZE, FileKind
from clcap_cli.file_kinds.signatures import signature_kind
from clcap_cli.file_kinds.texts import text_kind


def file_kind(path: Path) -> FileKind:
    """What the readable regular file at ``path`` is; every file has a description."""
    with path.open("rb") as file:
        head = file.read(HEAD_SIZE)
    if not head:
        return FileKind("an empty file", "download or create it again")
    kind = archive_kind(path, head) or signature_kind(path, head) or text_kind(path, head)
    return kind or FileKind(f"a binary file that starts with the bytes {head[:4].hex(' ')}", is_plain=True)


class ForeignFileError(ClcapError):
    """An input file that clcap did not write, where one that it wrote is expected."""


def wrong_file_error(path: Path, expected: str) -> ForeignFileError:
    """An error for a file of another kind than ``expected``, a noun phrase; it says what the file is."""
    kind = file_kind(path)
    return ForeignFileError(
        f"{path} is {kind.description}; {expected} is expected here" + (f": {kind.advice}" if kind.advice else "")
    )
