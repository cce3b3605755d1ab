"""What a file is, by its content: for messages about a file that is not the one that was expected."""

from dataclasses import dataclass
from pathlib import Path

from clcap_cli.errors import ClcapError

HEAD_SIZE = 2**16
"""Number of bytes at the start of a file by which it is recognised."""


@dataclass(frozen=True)
class FileKind:
    """A kind of file, in words for messages."""

    description: str
    """Noun phrase, such as "a JPEG image"."""
    advice: str = ""
    """What to do if another kind of file is needed; empty if that follows from the description."""


def file_kind(path: Path) -> FileKind:
    """What the readable regular file at ``path`` is; every file has a description."""
    from clcap_cli.file_kinds.archives import archive_kind
    from clcap_cli.file_kinds.signatures import signature_kind
    from clcap_cli.file_kinds.texts import text_kind

    with path.open("rb") as file:
        head = file.read(HEAD_SIZE)
    if not head:
        return FileKind("an empty file", "download or create it again")
    kind = archive_kind(path, head) or signature_kind(path, head) or text_kind(path, head)
    return kind or FileKind(f"a binary file that starts with the bytes {head[:4].hex(' ')}")


def wrong_file_error(path: Path, expected: str) -> ClcapError:
    """An error for a file of another kind than ``expected``, a noun phrase; it says what the file is."""
    kind = file_kind(path)
    return ClcapError(
        f"{path} is {kind.description}; {expected} is expected here" + (f": {kind.advice}" if kind.advice else "")
    )
