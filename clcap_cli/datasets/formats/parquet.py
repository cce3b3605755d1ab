"""Tables in Parquet files, with or without images."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clcap_cli.datasets.columns import FILE_NAMES, find_column, normal_name
from clcap_cli.datasets.embedded_images import distinct_names
from clcap_cli.datasets.file_content import compression_of
from clcap_cli.datasets.formats.parquet_size import check_declared_size, limited_batches
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table
from clcap_cli.errors import ClcapError, first_line_of

BATCH_SIZE = 64
"""Number of images whose bytes are in memory at a time."""


@dataclass(frozen=True)
class _ImageColumn:
    """A column of images with bytes."""

    source: Source
    name: str
    bytes_at: str
    """Column of the bytes, such as "image.bytes"."""
    path_at: str | None
    """Column of the paths, such as "image.path"; None if there are none."""

    def __iter__(self) -> Iterator[bytes | None]:
        with _open(self.source) as file:
            for batch in limited_batches(file, self.source.path, [self.bytes_at], BATCH_SIZE):
                yield from (_inner(cell, self.bytes_at) for cell in batch.column(0).to_pylist())

    def names(self) -> list[str | None]:
        """The file name of each row's image."""
        with _open(self.source) as file:
            rows = _rows(file, self.source.path, [self.path_at] if self.path_at else [])
        paths = [_inner(row.get(self.name), self.path_at or "") for row in rows]
        return distinct_names(paths, self, self.source.path.name.partition(".")[0])


def _inner(cell: Any, column: str) -> Any:
    """The cell of a column within a struct, such as "image.path"."""
    return cell.get(column.rpartition(".")[2]) if isinstance(cell, dict) else cell


def _recognises(source: Source) -> bool:
    return source.head.startswith(b"PAR1")


def _read(source: Source) -> Table:
    """A row for each row; of images with bytes, only the paths are read."""
    with _open(source) as file:
        schema = file.schema_arrow
        named = find_column(schema.names, "image", source.options.column_names)
        image = _image_column(source, schema, named)
        columns = [column for field in schema if (column := _column_to_read(field, image))]
        cells = _rows(file, source.path, columns)
    if image and image.name == named:
        cells = [{**row, image.name: name} for row, name in zip(cells, image.names(), strict=True)]
    rows = [Row(f"row {number}", row) for number, row in enumerate(cells, start=1)]
    return Table(source.path, schema.names, rows, images=image)


def _rows(file: Any, path: Path, columns: list[str]) -> list[dict[str, Any]]:
    """The cells of each row in these columns."""
    rows = [row for batch in limited_batches(file, path, columns) for row in batch.to_pylist()]
    return rows or [{}] * file.metadata.num_rows


def _image_column(source: Source, schema: Any, named: str | None) -> _ImageColumn | None:
    """The column with the bytes of the images: ``named``, which names them, or another one; None if there is none."""
    columns = sorted(schema, key=lambda field: field.name != named)
    usual = (field for field in columns if field.name == named or normal_name(field.name) in FILE_NAMES)
    return next((column for field in usual if (column := _with_bytes(source, field))), None)


def _with_bytes(source: Source, field: Any) -> _ImageColumn | None:
    """The column of a field if it holds bytes, otherwise None."""
    name, kind = field.name, field.type
    if _is_binary(kind):
        return _ImageColumn(source, name, name, None)
    if not _has(kind, "bytes") or not _is_binary(kind.field("bytes").type):
        return None
    return _ImageColumn(source, name, f"{name}.bytes", f"{name}.path" if _has(kind, "path") else None)


def _column_to_read(field: Any, image: _ImageColumn | None) -> str | None:
    """The column that is read for a field; None for bytes of images."""
    if (image and field.name == image.name) or (_is_binary(field.type) and normal_name(field.name) in FILE_NAMES):
        return None
    return f"{field.name}.path" if _has(field.type, "path") else field.name


def _has(kind: Any, name: str) -> bool:
    """Whether a type is a struct with a field of this name."""
    import pyarrow

    return bool(pyarrow.types.is_struct(kind)) and kind.get_field_index(name) >= 0


def _is_binary(kind: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind))


@contextmanager
def _open(source: Source) -> Iterator[Any]:
    """Open the file; raises ClcapError if it is damaged, also within the block."""
    import pyarrow
    import pyarrow.parquet

    is_compressed = compression_of(source.path) is not None
    try:
        content = pyarrow.BufferReader(source.content) if is_compressed else pyarrow.OSFile(str(source.path))
        with pyarrow.parquet.ParquetFile(content) as file:
            check_declared_size(file, source.path)
            yield file
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = first_line_of(error)
        raise ClcapError(f"{source.path} cannot be read as a Parquet file: {reason}") from error


READER = Reader("Parquet", _recognises, _read)
