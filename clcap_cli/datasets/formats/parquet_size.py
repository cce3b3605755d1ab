"""How much memory a Parquet file may need: its encodings can make a few bytes stand for millions of rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clcap_cli.datasets.limits import BYTES_PER_ROW, check_columns, check_decompressed
from clcap_cli.errors import ClcapError

BYTES_PER_BATCH = 2**27
"""Approximate number of bytes of a batch whose rows all have the longest value that a column could have."""
ROWS = 16, 1024
"""Smallest and largest number of rows of a batch."""
BYTES_PER_VALUE = 4
"""Size that a value counts at least."""


def check_declared_size(file: Any, path: Path) -> None:
    """Raise ClcapError if the rows, columns or values that an opened file declares are too many."""
    metadata = file.metadata
    check_columns(path, metadata.num_columns)
    check_decompressed(path, metadata.num_rows * BYTES_PER_ROW)
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(metadata.num_columns)):
            check_decompressed(path, max(column.num_values * BYTES_PER_VALUE, column.total_uncompressed_size))


def limited_batches(file: Any, path: Path, columns: list[str], largest: int = ROWS[1]) -> Iterator[Any]:
    """The rows of an opened file in batches of at most ``largest`` rows.

    Raises ClcapError as soon as the batches have too much content.
    """
    size = 0
    for batch in file.iter_batches(min(largest, _batch_rows(file)), columns=columns, use_threads=False):
        decoded = _decoded(batch, path)
        size += decoded.nbytes
        check_decompressed(path, size)
        yield decoded


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
    """Number of rows of a batch: few if a column has long values, which each of the rows could have."""
    metadata = file.metadata
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    columns = (group.column(index) for group in groups for index in range(metadata.num_columns))
    longest = max((column.total_uncompressed_size for column in columns), default=0)
    return max(ROWS[0], min(ROWS[1], BYTES_PER_BATCH // max(1, longest)))
