"""All kinds of tables give the same records, and errors name the row."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from clcap_cli.datasets.captions_by_image import read_captions_by_image
from clcap_cli.datasets.image_records import image_records
from clcap_cli.datasets.readers import read_captions
from clcap_cli.errors import ClcapError

ROWS = [
    {"id": 1, "image": "a.jpg", "split": "train", "captions": ["a dog", "the dog's bone"]},
    {"id": 2, "image": "b.jpg", "split": "val", "captions": ["a cat"]},
    {"id": 1, "image": "a.jpg", "split": "train", "captions": ["[laughs]"]},
]
CAPTIONS = {1: ["a dog", "the dog's bone", "[laughs]"], 2: ["a cat"]}
KINDS = ("csv", "jsonl", "parquet")
Write = Callable[[str, list[dict]], Path]


@pytest.fixture
def table(tmp_path: Path) -> Write:
    """Write rows as a table in a file format."""

    def write(kind: str, rows: list[dict]) -> Path:
        path = tmp_path / f"t.{kind}"
        if kind == "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        elif kind == "csv":
            pd.DataFrame(rows).to_csv(path, index=False)
        else:
            pd.DataFrame(rows).to_parquet(path)
        return path

    return write


def refusal(path: Path) -> str:
    with pytest.raises(ClcapError) as error:
        read_captions_by_image(path)
    return str(error.value).removeprefix(str(path))


@pytest.mark.parametrize("column", ["caption", "captions"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_gives_the_same_records(table: Write, kind: str, column: str) -> None:
    path = table(kind, [{column if name == "captions" else name: cell for name, cell in row.items()} for row in ROWS])
    assert read_captions_by_image(path) == CAPTIONS
    images = image_records([(None, read_captions(path))], "train")
    assert {image.id: image.captions for image in images} == CAPTIONS
    assert [(image.file_name, image.split) for image in images] == [("a.jpg", "train"), ("b.jpg", "val")]


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_beyond_64_bits_is_text(table: Write, kind: str) -> None:
    large = 2**63 if kind == "parquet" else 2**70
    path = table(kind, [{"id": id, "caption": "a dog"} for id in (1, large)])
    assert list(read_captions_by_image(path)) == [1, str(large)]


def test_ids_of_5000_digits_are_text(table: Write, tmp_path: Path) -> None:
    assert list(read_captions_by_image(table("csv", [{"id": "9" * 5000, "caption": "a dog"}]))) == ["9" * 5000]
    path = tmp_path / "t.jsonl"
    path.write_text('{"id": ' + "9" * 5000 + ', "caption": "a dog"}')
    assert refusal(path) == " contains a number with thousands of digits; write it as text"


@pytest.mark.parametrize(("id", "meant"), [("-5", -5), ("007", "007"), ("1.0", 1), ("a", "a"), (2.0, 2)])
def test_ids_written_as_numbers_are_numbers(table: Write, id: object, meant: object) -> None:
    assert list(read_captions_by_image(table("jsonl", [{"id": id, "caption": "a dog"}]))) == [meant]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (5, "a number is not a caption"),
        (True, "a boolean is not a caption"),
        (None, "it is empty"),
        ({"file": "a dog"}, "an object is not a caption"),
        ([1, 2], "it contains a number among its captions"),
        ([["a dog"]], "it contains a list among its captions"),
    ],
)
def test_a_cell_that_is_no_caption_is_named(table: Write, kind: str, cell: object, reason: str) -> None:
    path = table(kind, [{"id": 7, "caption": cell}] * 2)
    assert refusal(path) == f": {'line' if kind == 'jsonl' else 'row'} 1, column 'caption': {reason}"


@pytest.mark.parametrize(("cell", "reason"), [(b"a dog", "binary data"), (date(2020, 1, 1), "a date")])
def test_parquet_cells_may_be_lists_and_numbers(table: Write, cell: object, reason: str) -> None:
    assert (
        refusal(table("parquet", [{"id": 7, "caption": cell}]))
        == f": row 1, column 'caption': {reason} is not a caption"
    )


def test_rows_are_numbered_as_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('id,caption\n1,"[\'a\', \'b\']"\n\n2,"two\nlines"\n3,"[1]"\n')
    assert refusal(path) == ": row 3 (line 6), column 'caption': it contains 1 among its captions"
    lines = tmp_path / "t.jsonl"
    lines.write_text('{"id": 1, "caption": ["a", "b"]}\n\n{"id": 2}\n')
    assert refusal(lines) == ": line 3, column 'caption': it is empty"
    lines.write_text('{"id": 1, "caption": "a"}\n[1]\n')
    assert refusal(lines) == ": line 2 is not an object; each line of JSON Lines must be one"
    lines.write_text('{"id": 1, "caption": "a"}\n{"id": 2')
    assert refusal(lines) == " is not valid JSON at line 2, column 9: Expecting ',' delimiter; is the file complete?"


@pytest.mark.parametrize("column", ["image", "split", "id"])
def test_an_empty_cell_is_named(table: Write, column: str) -> None:
    row = {"id": "7", "image": "a.jpg", "split": "train", "caption": "a dog"}
    path = table("csv", [row, {**row, column: " "}])
    with pytest.raises(ClcapError) as error:
        read_captions(path)
    assert str(error.value) == f"{path}: row 2 (line 3), column '{column}': it is empty"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            b"image\n",
            " has no column for captions, such as caption or text; it has: image; if it is one of these, name it with "
            "--columns caption=NAME",
        ),
        (
            b'id,caption\n1,"a "big" dog"\n',
            " is not valid CSV at line 2: ',' expected after '\"'; double quotation "
            "marks that are part of a caption, and put the whole caption in quotes",
        ),
        (
            b"id,caption\n1,\xff\n",
            " is not UTF-8 text: line 2 contains the byte 0xff; if it is text, name its encoding, such as "
            "--encoding latin-1",
        ),
        (b"id,caption,caption\n1,a,b\n", " has two columns 'caption'; rename or remove one of them"),
    ],
)
def test_an_invalid_csv_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert refusal(path) == reason


def test_csv_dialects_of_other_programs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfid,caption,\r\n1,a dog,\r\n")
    assert read_captions_by_image(path) == {1: ["a dog"]}


def test_an_invalid_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1 or not")
    assert refusal(path).startswith(" cannot be read as a Parquet file: ")


def test_an_id_of_each_caption_is_not_that_of_the_image(table: Write) -> None:
    rows = [{"id": id, "image": "a.jpg", "caption": caption} for id, caption in ((1, "a dog"), (2, "a cat"))]
    path = table("csv", rows)
    assert read_captions_by_image(path) == {"a.jpg": ["a dog", "a cat"]}
    assert "column 'id' numbers the captions, so an image's id is its file name" in read_captions(path).summary()
