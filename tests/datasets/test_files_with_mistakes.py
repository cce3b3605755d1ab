"""Realistic mistakes in caption files are mended and counted, or refused with their cause."""

import json
from pathlib import Path

import pytest

from clcap_cli.datasets.captions_by_image import read_captions_by_image
from clcap_cli.datasets.readers import read_captions
from clcap_cli.errors import ClcapError


def refusal(path: Path) -> str:
    with pytest.raises(ClcapError) as error:
        read_captions(path)
    return str(error.value).removeprefix(f"{path}")


@pytest.mark.parametrize("name", ["image_id", "image"])
def test_a_record_names_its_image_itself(tmp_path: Path, name: str) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps({str(at): {name: f"{9 - at}.jpg", "caption": f"a dog {at}"} for at in range(3)}))
    assert read_captions_by_image(path) == {f"{9 - at}.jpg": [f"a dog {at}"] for at in range(3)}


def test_the_key_of_a_record_is_the_id_of_its_image(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"17": {"image_path": "x/a.jpg", "captions": ["a man"], "split": "val"}}))
    (record,) = read_captions(path).records
    assert (record.id, record.file_name, record.split) == (17, "x/a.jpg", "val")


@pytest.mark.parametrize(
    "text",
    [
        '{"a.jpg": "a man", "a.jpg": "a person", "b.jpg": "two dogs"}',
        '[{"image": "b.jpg", "caption": "x", "a.jpg": 1, "a.jpg": 2}]',
        '{"image": "b.jpg", "caption": "x"}\n{"image": "b.jpg", "caption": "x", "a.jpg": 1, "a.jpg": 2}\n',
    ],
)
def test_a_repeated_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    assert refusal(path) == " has the key 'a.jpg' twice in one object; write a list of all its values"


@pytest.mark.parametrize("id", ["1.00027E+09", "1,00027E+09", "1E+09"])
@pytest.mark.parametrize("column", ["image_id", "image"])
def test_ids_that_a_spreadsheet_rounded_are_refused(tmp_path: Path, id: str, column: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(f"{column};caption\n7;a man\n{id};two dogs\n")
    reason = f"{id} is a rounded number, as spreadsheets show long ids; export all digits"
    assert refusal(path) == f": row 2 (line 3), column '{column}': {reason}"


def test_a_missing_id_is_named_among_decimal_ones(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("image_id,caption\n1.0,a man\nnan,two dogs\n3.0,cats\n")
    assert refusal(path) == ": row 2 (line 3), column 'image_id': 'nan' stands for a missing value, not for an id"


@pytest.mark.parametrize("before", ["\n", "sep=;\r\n", "# made by hand\n", ";;\n\n"])
def test_lines_before_the_header_and_empty_rows_are_left_out(tmp_path: Path, before: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(f"{before}image;caption\r\na.jpg;a man\r\n;\r\n;\r\nb.jpg;dogs\r\n;\r\n", newline="")
    assert read_captions_by_image(path) == {"a.jpg": ["a man"], "b.jpg": ["dogs"]}
    assert "3 empty rows left out" in read_captions(path).notes
    path.write_text(f"{before}image;caption\n;\na.jpg;[1]\n")
    assert f": row 2 (line {before.count(chr(10)) + 3}), column 'caption'" in refusal(path)


@pytest.mark.parametrize("caption", ['"Stop" sign, red', '"a \\"red\\" tram"', '"He says "stop""', '"5" high"'])
def test_a_wrong_quotation_mark_is_explained(tmp_path: Path, caption: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(f"image,caption\na.jpg,a man\nb.jpg,{caption}\n")
    assert refusal(path).endswith(
        "double quotation marks that are part of a caption, and put the whole caption in quotes"
    )


def test_files_that_contain_captions_elsewhere_are_named(tmp_path: Path) -> None:
    label_studio = tmp_path / "project.json"
    label_studio.write_text(json.dumps([{"id": 1, "annotations": [{"result": []}], "data": {"image": "a.jpg"}}]))
    assert refusal(label_studio) == " is Label Studio's full JSON; export JSON-MIN or CSV, with a row per image"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"")
    (tmp_path / "photos" / "metadata.jsonl").write_text("{}")
    assert refusal(tmp_path / "photos").endswith("photos/metadata.jsonl itself to read the captions in it")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-00000-of-00001.parquet").write_bytes(b"PAR1")
    assert "; give its caption files themselves: train-00000-of-00001.parquet" in refusal(tmp_path / "data")
