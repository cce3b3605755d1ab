"""Limits of what is read from a file, so that a small file cannot fill the memory."""

from pathlib import Path

from clcap_cli.errors import ClcapError

MAX_RATIO = 20
"""Largest size of decompressed content, in sizes of the compressed file; text has 3 to 12."""
ALLOWANCE = 2**25
"""Size in bytes that decompressed content may have in any case."""
BYTES_PER_ROW = 128
"""Size that a row counts at least, because Python keeps it as objects."""
BYTES_PER_LINE = 64
"""Size that a line of decompressed text counts at least, for the same reason; lines of JSON can be short."""
MAX_COLUMNS = 10_000
"""Maximum number of columns of a table, or of different keys of its records."""
MAX_CAPTION_LENGTH = 1_000_000
"""Maximum number of characters of a caption, and of a cell that holds a list of captions."""
MAX_NAME_LENGTH = 10_000
"""Maximum number of characters of an id, a file name or the name of a split."""


def max_decompressed(path: Path) -> int:
    """The size in bytes up to which the compressed file at ``path`` is decompressed."""
    return ALLOWANCE + MAX_RATIO * path.stat().st_size


def check_decompressed(path: Path, size: int, uncompressed: str = "uncompressed JSON or CSV") -> None:
    """Raise ClcapError if ``size`` bytes are too many for the decompressed content of the file at ``path``.

    The message advises to convert the file to the format ``uncompressed``.
    """
    if size > max_decompressed(path):
        raise ClcapError(
            f"{path} has more than {max_decompressed(path) // 2**20:,} MiB of content, the limit for a compressed file "
            f"of {path.stat().st_size:,} bytes; if that is right, convert it to {uncompressed}"
        )


def check_columns(path: Path, number: int) -> None:
    """Raise ClcapError if ``number`` columns are too many for a table."""
    if number > MAX_COLUMNS:
        raise ClcapError(
            f"{path} has {number:,} columns or keys, more than {MAX_COLUMNS:,}; leave out those that are not needed"
        )
