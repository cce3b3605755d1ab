"""Warnings about splits, and the order and grammar of their sizes."""

from pathlib import Path

import pytest

HEAD = "image_id,file_name,caption,split\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "c.csv"


def prepare(clcap, table: Path, *options: object):
    return clcap("prepare-captions", table, "--min-count", 1, "--out", table.with_suffix(".h5"), *options)


def test_a_misspelt_split_is_named_with_a_similar_one(clcap, table: Path) -> None:
    table.write_text(f"{HEAD}1,a.jpg,a dog,trian\n2,b.jpg,a dog,1\n3,c.jpg,a dog,test\n4,d.jpg,a dog,train\n")
    result = prepare(clcap, table)
    message = "the split 'trian' (1 image) is not one of train, val, test and restval; did you mean train?"
    assert f"warning: {message}" in result.err
    assert "the split '1' (1 image) is not one of train, val, test and restval; stages use it only where" in result.err
    assert result.err.index("\ntrain: 1 image, 1 caption, 2 words") < result.err.index("\ntest: 1 image, 1 caption, ")
    shown = clcap("inspect", table).out
    assert "splits:   train 1, test 1, trian 1, 1 1 images" in shown
    assert f"warning:  {message}" in shown


def test_pictures_under_two_ids_in_one_split_are_named(clcap, table: Path) -> None:
    table.write_text("image,caption,split\n./a.jpg,a dog,train\na.jpg,a cat,train\na.jpg,a cow,train\n")
    message = "1 picture is listed under two ids: a.jpg (ids ./a.jpg and a.jpg); give each picture one id"
    assert f"warning: {message}" in prepare(clcap, table).err
    assert f"warning:  {message}" in clcap("inspect", table).out


def test_inspect_names_images_in_two_splits(clcap, table: Path) -> None:
    table.write_text("image,caption,split\na.jpg,a dog,train\na.jpg,a cat,test\nb.jpg,a cow,train\n")
    assert (
        "1 image is in two splits: a.jpg (train in row 1 (line 2), test in row 2 (line 3)); "
        "list each image in one split"
    ) in clcap("inspect", table).out


def test_shares_that_differ_from_those_asked_for_are_told(clcap, table: Path) -> None:
    for count, told in ((32, True), (4000, False)):
        table.write_text("image,caption\n" + "".join(f"{id}.jpg,a dog\n" for id in range(count)))
        result = prepare(clcap, table, "--split-ratio", "0.6,0.2,0.2")
        assert ("each image is assigned by a hash of its id" in result.err) == told
        assert not told or "--split-ratio divided 32 images into train " in result.err


def test_a_file_without_rows_is_named(error_of, table: Path) -> None:
    table.write_text(HEAD)
    assert (
        error_of("prepare-captions", table) == f"{table} (CSV) has no rows; expected at least one image with a caption"
    )


def test_a_file_of_two_encodings_is_named(error_of, table: Path) -> None:
    table.write_bytes(HEAD.encode() + "1,a.jpg,une pêche,train\n".encode() + "2,b.jpg,un été,train\n".encode("latin-1"))
    assert error_of("inspect", table) == (
        f"{table} is not UTF-8 text: line 3 contains the byte 0xe9; 1 other line is UTF-8, so the file "
        "mixes encodings; convert line 3 and others like it to UTF-8"
    )
