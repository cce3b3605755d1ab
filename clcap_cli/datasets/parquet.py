"""Tables in Parquet files; only the required columns are read."""

from pathlib import Path

from clcap_cli.datasets.records import CaptionRecord
from clcap_cli.datasets.source import Reader, Source
from clcap_cli.datasets.table import COLUMNS, Row, Table, table_records
from clcap_cli.errors import ClcapError


def _recognises(source: Source) -> bool:
    return source.head.startswith(b"PAR1")


def _read(source: Source, require_images: bool) -> list[CaptionRecord]:
    return table_records(_table(source.path), require_images)


def _table(path: Path) -> Table:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            columns = file.schema_arrow.names
            used = [name for name in COLUMNS if name in columns]
            cells = file.read(columns=used).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ClcapError(f"{path} cannot be read as a Parquet file: {reason}") from error
    return Table(path, columns, [Row(f"row {number}", row) for number, row in enumerate(cells, start=1)])


READER = Reader("Parquet (with the columns of such a header)", _recognises, _read)
