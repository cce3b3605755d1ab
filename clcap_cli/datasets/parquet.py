"""Tables in Parquet files."""

from typing import Any

from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import Row, Table
from clcap_cli.errors import ClcapError


def _recognises(source: Source) -> bool:
    return source.head.startswith(b"PAR1")


def _read(source: Source) -> Table:
    columns, cells = _cells(source)
    return Table(source.path, columns, [Row(f"row {number}", row) for number, row in enumerate(cells, start=1)])


def _cells(source: Source) -> tuple[list[str], list[dict[str, Any]]]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(pyarrow.BufferReader(source.content)) as file:
            schema = file.schema_arrow
            return schema.names, file.read(columns=list(map(_without_bytes, schema))).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ClcapError(f"{source.path} cannot be read as a Parquet file: {reason}") from error


def _without_bytes(field: Any) -> str:
    """The column to read: of an image that is stored with its bytes, only the path."""
    import pyarrow

    is_image = pyarrow.types.is_struct(field.type) and field.type.get_field_index("path") >= 0
    return f"{field.name}.path" if is_image else field.name


READER = Reader("Parquet", _recognises, _read)
