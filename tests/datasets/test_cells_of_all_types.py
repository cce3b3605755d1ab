"""A cell gives the same value, or is refused for the same reason, in every format; the message names row and column."""

import datetime
import decimal
import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from clcap_cli.datasets.readers import read_captions
from clcap_cli.errors import ClcapError

ROW = {"image_id": 3, "image": "z.jpg", "caption": "a dog", "split": "val"}
FIELDS = {"image_id": "id", "image": "file_name", "caption": "captions", "split": "split"}


def as_csv(row: dict) -> bytes:
    return pd.DataFrame([row]).to_csv(index=False).encode()


def as_parquet(row: dict) -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), file)
    return file.getvalue()


FORMATS = {
    "JSON": lambda row: json.dumps([row]).encode(),
    "JSON Lines": lambda row: json.dumps(row).encode() + b"\n",
    "CSV": as_csv,
    "Parquet": as_parquet,
}


def meaning(path: Path, role: str) -> object:
    """The value of the cell in the first row, or the reason why it is refused."""
    try:
        return getattr(read_captions(path).records[0], FIELDS[role])
    except ClcapError as error:
        if "contains only numbers" in str(error):
            return str(error)
        place, _, reason = str(error).partition(f", column '{role}': ")
        assert place.removeprefix(f"{path}: ") in ("record 0", "line 1", "row 1", "row 1 (line 2)")
        return reason


WORDS = st.sampled_from(["a dog", "7", "007", "7.0", "x.jpg", "nan", "[laughs]", "{", "a\nb", "train"])
TEXTS = {"raw": "a dog", "tokens": ["a", "dog"], "path": "x.jpg", "caption": "a dog", "x": 1}
OBJECTS = st.sampled_from([{key: value} for key, value in TEXTS.items()])
CELLS = st.one_of(
    WORDS, OBJECTS, st.lists(WORDS, max_size=3), st.lists(OBJECTS, min_size=1, max_size=2), st.integers(-5, 5)
)


@settings(max_examples=60)
@given(st.sampled_from(list(FIELDS)), CELLS)
@example("image_id", 7.0)
@example("image_id", 7.5)
@example("image_id", ["a", "b"])
@example("image", {"path": "x.jpg", "width": 5})
@example("caption", [{"raw": "a dog", "tokens": ["a"], "sentid": 4}])
@example("caption", [])
@example("split", {"x": 1})
def test_every_format_means_the_same_by_a_cell(
    tmp_path_factory: pytest.TempPathFactory, role: str, cell: object
) -> None:
    assume(role == "caption" or "a\\nb" not in repr(cell))  # in CSV, only captions may have several lines
    if role == "caption" and isinstance(cell, int):
        return  # the next test
    path = tmp_path_factory.getbasetemp() / "cells"
    found = {}
    for name, write in FORMATS.items():
        path.write_bytes(write({**ROW, role: cell}))
        found[name] = meaning(path, role)
    assert len({repr(value) for value in found.values()}) == 1, found


@pytest.mark.parametrize("number", [7, -7, 7.5, 0])
def test_numbers_are_no_captions_in_any_format(tmp_path: Path, number: float) -> None:
    for name, write in FORMATS.items():
        path = tmp_path / "cells"
        path.write_bytes(write({**ROW, "caption": number}))
        expected = "column 'caption' contains only numbers, such as " if name == "CSV" else "a number is not a caption"
        with pytest.raises(ClcapError, match=expected):
            read_captions(path)


@pytest.mark.parametrize("role", FIELDS)
def test_an_empty_cell_names_its_row(tmp_path: Path, role: str) -> None:
    for cell in (None, float("nan")):
        for name, write in FORMATS.items():
            if name == "CSV" and role == "caption":
                continue  # an empty cell is an empty caption, as in JSON
            path = tmp_path / "cells"
            path.write_bytes(write({**ROW, role: cell}))
            assert meaning(path, role) == "it is empty"


def column(values: list, kind: pyarrow.DataType) -> pyarrow.Array:
    return pyarrow.array(values, kind)


IDS: dict[str, Callable[[], pyarrow.Array]] = {
    "int8": lambda: column([1, 2], pyarrow.int8()),
    "uint64": lambda: column([1, 2], pyarrow.uint64()),
    "float64": lambda: column([1.0, 2.0], pyarrow.float64()),
    "float32": lambda: column([1.0, 2.0], pyarrow.float32()),
    "string": lambda: column(["1", "2"], pyarrow.string()),
    "large_string": lambda: column(["1", "2"], pyarrow.large_string()),
    "dictionary": lambda: column(["1", "2"], pyarrow.string()).dictionary_encode(),
    "decimal": lambda: column([decimal.Decimal(1), decimal.Decimal(2)], pyarrow.decimal128(5, 0)),
}  # fmt: skip


@pytest.mark.parametrize("kind", IDS)
def test_ids_in_parquet_may_have_any_type_of_whole_numbers(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "ids"
    pyarrow.parquet.write_table(pyarrow.table({"image_id": IDS[kind](), "caption": ["a dog", "a cat"]}), path)
    assert [record.id for record in read_captions(path).records] == [1, 2]


CAPTIONS = {
    "large_string": column(["a dog"], pyarrow.large_string()),
    "dictionary": column(["a dog"], pyarrow.string()).dictionary_encode(),
    "list": column([["a dog"]], pyarrow.list_(pyarrow.string())),
    "large_list": column([["a dog"]], pyarrow.large_list(pyarrow.large_string())),
    "list of structs": column([[{"raw": "a dog", "sentid": 1}]], None),
    "struct": column([{"raw": "a dog"}], None),
}


@pytest.mark.parametrize("kind", CAPTIONS)
def test_captions_in_parquet_may_have_any_type_of_text(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "captions"
    pyarrow.parquet.write_table(pyarrow.table({"image_id": [1], "caption": CAPTIONS[kind]}), path)
    assert read_captions(path).records[0].captions == ["a dog"]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (datetime.datetime(2020, 1, 1), "a date"),
        (datetime.date(2020, 1, 1), "a date"),
        (datetime.timedelta(1), "a timedelta"),
        (b"\xff\x00", "binary data"),
        (decimal.Decimal("1.5"), "a number"),
        (1.5, "a number"),
        (True, "a boolean"),
    ],
)
@pytest.mark.parametrize("role", ["image_id", "caption", "split"])
def test_other_types_in_parquet_are_refused(tmp_path: Path, role: str, value: object, name: str) -> None:
    path = tmp_path / "types"
    path.write_bytes(as_parquet({**ROW, role: value}))
    reason = str(meaning(path, role))
    assert reason.startswith((name, "the number 1.5 is not an id"))
