"""What inspect says of caption files."""

import gzip
import json
from pathlib import Path


def test_inspect_shows_how_a_file_is_read(clcap, tmp_path: Path) -> None:
    path = tmp_path / "captions"
    path.write_text("Image Path;Text;fold;width\na.jpg;a dog;train;5\na.jpg;a dog;train;5\nb.jpg;a cat;dev;5\n")
    assert clcap("inspect", path).out.splitlines() == [
        f"file:     {path}",
        "format:   CSV",
        "columns:  image from 'Image Path', caption from 'Text', split from 'fold'",
        "not used: width",
        "content:  3 rows, 2 images, 3 captions; 1 exact repeat of earlier rows",
        "splits:   train 1, val 1 images",
        "notes:    separated by semicolons",
        "row 1 (line 2): image a.jpg, split train",
        "    a dog",
        "row 2 (line 3): image a.jpg, split train",
        "    a dog",
        "row 3 (line 4): image b.jpg, split val",
        "    a cat",
    ]


def test_inspect_reads_other_encodings_and_compressed_files(clcap, error_of, tmp_path: Path) -> None:
    path = tmp_path / "captions.csv"
    path.write_bytes(gzip.compress("photo,titre\n1.jpg,une pêche\n".encode("latin-1")))
    assert "line 2 contains the byte 0xea; if it is text, name its encoding" in error_of("inspect", path)
    shown = clcap("inspect", path, "--encoding", "latin-1", "--columns", "caption=titre").out
    assert "une pêche" in shown
    assert "notes:    decompressed with gzip; decoded as LATIN-1" in shown


def test_wrong_reading_options_are_refused(clcap, error_of, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("image,caption\na.jpg,a dog\n")
    assert error_of("inspect", path, "--columns", "caption=title") == (
        f"{path}: no column 'title'; there are: image, caption"
    )
    for option, value in (("--columns", "name=x"), ("--columns", "x"), ("--encoding", "utf-9"), ("--encoding", "zip")):
        assert clcap("inspect", path, option, value).status == 2


def test_evaluate_reads_the_columns_and_encodings_of_both_files(clcap, error_of, tmp_path: Path) -> None:
    predictions, references = tmp_path / "p.csv", tmp_path / "r.csv"
    predictions.write_bytes("image;legende\n1;une pêche\n2;un été\n2;un été\n".encode("latin-1"))
    references.write_text("image,caption\n1,une pêche\n2,un été\n")
    arguments = ("--predictions", predictions, "--references", references, "--metrics", "rouge_l")
    named = ("--columns", "caption=legende", "--encoding", "latin-1", "--out", tmp_path / "m.json")
    result = clcap("evaluate", *arguments, *named)
    assert json.loads((tmp_path / "m.json").read_text())["metrics"]["ROUGE_L"] == 1
    assert f"{predictions} (CSV): 3 rows, 2 images, 3 captions; 1 exact repeat of earlier rows; " in result.err
    assert f"{references} (CSV): 2 rows, 2 images, 2 captions" in result.err
    assert error_of("evaluate", *arguments, "--columns", "caption=titel", "--encoding", "latin-1").endswith(
        "such as caption or text; it has: image, legende; if it is one of these, name it with --columns caption=NAME"
    )
