"""Captions in tables: CSV, JSON Lines or Parquet with the columns image, caption, split and, optionally, id."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.datasets.records import ImageId, ImageRecord
from clcap_cli.errors import ClcapError

if TYPE_CHECKING:
    import pandas

SUFFIXES = (".csv", ".jsonl", ".parquet")
REQUIRED = ("image", "caption", "split")


def table_records(path: Path) -> list[ImageRecord]:
    """The images of a table with one row a caption; without an id column the file name is the image's id.

    Raises ClcapError for a missing column, an empty cell, or an image that stands in two splits.
    """
    table = read_table(path)
    for column in REQUIRED:
        if column not in table.columns:
            raise ClcapError(f"{path} has no column '{column}'; it has: {', '.join(map(str, table.columns))}")
    _check_cells(table, path)
    table = table.assign(id=_numbered(table["id"] if "id" in table.columns else table["image"]))
    return [_record(id, rows, path) for id, rows in table.groupby("id", sort=False)]


def _numbered(ids: "pandas.Series") -> "pandas.Series":
    """Image ids as numbers where all of them are, else as text."""
    ids = ids.astype(str)
    whole = all(id.isdecimal() and str(int(id)) == id for id in ids.unique())
    return ids.map(int).astype(object) if whole else ids


def read_table(path: Path) -> "pandas.DataFrame":
    """The rows of a CSV, JSON Lines or Parquet file; ids and texts as text.

    Raises ClcapError when it is missing or cannot be read.
    """
    import pandas

    text = {"image": str, "caption": str, "split": str, "id": str, "image_id": str}
    readers = {
        ".csv": lambda: pandas.read_csv(path, dtype=text, keep_default_na=False, index_col=False),
        ".jsonl": lambda: pandas.read_json(path, lines=True, dtype=text),
        ".parquet": lambda: pandas.read_parquet(path),
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            return readers[path.suffix.lower()]()
    except pandas.errors.ParserWarning as error:
        raise ClcapError(
            f"{path}: rows have more fields than the header; a caption with a comma needs quotes around it"
        ) from error
    except FileNotFoundError as error:
        raise ClcapError(f"no such file: {path}") from error
    except (ValueError, OSError) as error:
        raise ClcapError(
            f"{path} cannot be read as a table: {(str(error) or type(error).__name__).splitlines()[0]}"
        ) from error


def _check_cells(table: "pandas.DataFrame", path: Path) -> None:
    columns = [*REQUIRED, *(["id"] if "id" in table.columns else [])]
    for column in columns:
        empty = table[column].isna() | (table[column].astype(str).str.strip() == "")
        if empty.any():
            raise ClcapError(f"{path}: column '{column}' is empty in row {int(empty.to_numpy().argmax()) + 1}")


def _record(id: ImageId, rows: "pandas.DataFrame", path: Path) -> ImageRecord:
    for column in ("image", "split"):
        values = rows[column].unique()
        if len(values) > 1:
            raise ClcapError(f"{path}: image {id} has more than one {column}: {values[0]} and {values[1]}")
    first = rows.iloc[0]
    return ImageRecord(id, str(first["image"]), str(first["split"]), [str(text) for text in rows["caption"]])
