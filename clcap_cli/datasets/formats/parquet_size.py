"""How much memory a Parquet file may need: its encodings can make a few bytes stand for millions of rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clcap_cli.datasets.limits import BYTES_PER_ROW, check_columns, check_decompressed
from clcap_cli.datasets.memory_limit import limited_memory
from clcap_cli.errors import ClcapError

BYTES_PER_BATCH = 2**27
"""Approximate number of bytes of a batch whose rows all have the longest value that a column could have."""
ROWS = 16, 1024
"""Smallest and largest number of rows of a batch."""
EXTRA_MEMORY = 2**30
"""Bytes of memory that reading a batch may take besides twice the size of the file."""


def check_declared_size(file: Any, path: Path) -> None:
    """Raise ClcapError if the rows, columns or bytes that an opened file declares are too many."""
    metadata = file.metadata
    check_columns(path, metadata.num_columns)
    check_decompressed(path, max(metadata.num_rows * BYTES_PER_ROW, _largest_group(metadata)))


def limited_batches(file: Any, path: Path, columns: list[str], largest: int = ROWS[1]) -> Iterator[Any]:
    """The rows of an opened file in batches of at most ``largest`` rows.

    Raises ClcapError as soon as the batches have too much content, and ValueError if rows are missing.
    """
    size = rows = 0
    batches = file.iter_batches(min(largest, _batch_rows(file)), columns=columns, use_threads=False)
    while (batch := _next(batches, path)) is not None:
        decoded = _decoded(batch, path)
        size, rows = size + decoded.nbytes, rows + decoded.num_rows
        check_decompressed(path, size)
        yield decoded
    if columns and rows != file.metadata.num_rows:
        raise ValueError(f"it declares {file.metadata.num_rows:,} rows and has {rows:,}")


def _next(batches: Iterator[Any], path: Path) -> Any:
    """The next batch; None after the last one. Its values may be far more than the file declares."""
    with limited_memory(EXTRA_MEMORY + 2 * path.stat().st_size):
        return next(batches, None)


def _decoded(batch: Any, path: Path) -> Any:
    """A batch in which every row has its own value, not an index into a dictionary of values."""
    import pyarrow

    for field in batch.schema:
        if "dictionary<" in str(field.type) and not pyarrow.types.is_dictionary(field.type):
            raise ClcapError(f"{path}: column '{field.name}' has a nested dictionary; store plain values in it")
    columns = [
        column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column for column in batch.columns
    ]
    return pyarrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _batch_rows(file: Any) -> int:
    """Number of rows of a batch: few if there may be long values, which each of the rows could have."""
    return max(ROWS[0], min(ROWS[1], BYTES_PER_BATCH // max(1, _largest_group(file.metadata))))


def _largest_group(metadata: Any) -> int:
    """Size in bytes of the largest group of rows; PyArrow ends the process if details of damaged columns are read."""
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    return max((int(group.total_byte_size) for group in groups), default=0)
