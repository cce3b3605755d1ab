"""What a file is, in words for messages."""

from dataclasses import dataclass

HEAD_SIZE = 2**16
"""Number of bytes at the start of a file by which it is recognised."""


@dataclass(frozen=True)
class FileKind:
    """A kind of file, in words for messages."""

    description: str
    """Noun phrase, such as "a JPEG image"."""
    advice: str = ""
    """What to do to get the file that was meant; empty if that follows from the description."""
    use: str = ""
    """What clcap can do with such a file, or how to convert it; empty if unknown."""
    by_clcap: bool = False
    """Whether clcap wrote the file, although it has no provenance."""
    is_plain: bool = False
    """Whether its content says nothing of its purpose: text, JSON, a table, or unknown bytes."""
