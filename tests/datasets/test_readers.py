"""Caption files are recognised by their content, not their name."""

import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.datasets.captions_by_image import read_captions_by_image
from clcap_cli.datasets.readers import READERS, read_captions
from clcap_cli.datasets.records import CaptionRecord
from clcap_cli.errors import ClcapError
from tests.conftest import CLCAP
from tests.file_kinds.examples import EXAMPLES

IMAGES = {7: ("a.jpg", "train", ["a dog", "the dog's bone"]), 9: ("b.jpg", "val", ["a cat"])}
CAPTIONS = {id: captions for id, (_, _, captions) in IMAGES.items()}
ROWS = [
    {"image_id": id, "image": name, "split": split, "caption": captions}
    for id, (name, split, captions) in IMAGES.items()
]


def coco() -> bytes:
    images = [{"id": id, "file_name": name} for id, (name, _, _) in IMAGES.items()]
    annotations = [
        {"id": 1, "image_id": id, "caption": caption} for id, captions in CAPTIONS.items() for caption in captions
    ]
    return json.dumps({"images": images, "annotations": annotations}).encode()


def coco_results() -> bytes:
    return json.dumps(
        [{"image_id": id, "caption": one} for id, captions in CAPTIONS.items() for one in captions]
    ).encode()


def karpathy() -> bytes:
    images = [
        {"cocoid": id, "filename": name, "split": split, "sentences": [{"raw": caption} for caption in captions]}
        for id, (name, split, captions) in IMAGES.items()
    ]
    return json.dumps({"dataset": "coco", "images": images}, indent=1).encode()


def json_lines() -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def csv() -> bytes:
    return pd.DataFrame(ROWS).to_csv(index=False).encode()


def parquet() -> bytes:
    file = io.BytesIO()
    pd.DataFrame(ROWS).to_parquet(file)
    return file.getvalue()


def by_image() -> bytes:
    return json.dumps(CAPTIONS).encode()


FORMATS = {
    "coco": coco,
    "karpathy": karpathy,
    "json-records": coco_results,
    "json-lines": json_lines,
    "json-captions": by_image,
    "parquet": parquet,
    "delimited": csv,
}
FORMATS_WITHOUT_IDS = ("json-columns", "flickr-tokens", "conceptual-captions", "image-folder", "tar-shards")
"""Formats that identify an image by its file name; test_formats_of_the_field.py and test_paired_files.py test them."""
WITH_SPLITS = ("karpathy", "json-lines", "delimited", "parquet")


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    """Write a file in a format, under a name that does not reveal the format."""

    def write(name: str) -> Path:
        path = tmp_path / f"{name}-captions"
        path.write_bytes(FORMATS[name]())
        return path

    return write


def test_every_format_is_tested_here() -> None:
    assert set(READERS.builtin) == {*FORMATS, *FORMATS_WITHOUT_IDS}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("suffix", ["", ".csv", ".json", ".jsonl", ".parquet"])
def test_the_format_is_recognised_by_content(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"captions{suffix}"
    path.write_bytes(FORMATS[name]())
    assert read_captions_by_image(path) == CAPTIONS


@pytest.mark.parametrize("name", WITH_SPLITS)
def test_datasets_have_file_names_and_splits(file, name: str) -> None:
    records = read_captions(file(name)).records
    found = [(record.id, record.file_name, record.split, record.captions) for record in records]
    assert found == [(id, *image) for id, image in IMAGES.items()]


@pytest.mark.parametrize("name", WITH_SPLITS)
def test_every_dataset_format_gives_the_same_captions(clcap, file, tmp_path: Path, name: str) -> None:
    out = tmp_path / "c.h5"
    assert clcap("prepare-captions", file(name), "--min-count", 1, "--out", out).status == 0
    opened = open_captions(out)
    assert (opened.image_ids, opened.splits.tolist()) == ([7, 9], ["train", "val"])
    assert opened.raw == [*CAPTIONS[7], *CAPTIONS[9]]


@pytest.mark.parametrize("name", ["json-lines", "delimited", "parquet"])
def test_a_table_may_hold_one_split(clcap, file, tmp_path: Path, name: str) -> None:
    path, out = tmp_path / "train", tmp_path / "c.h5"
    rows = pd.DataFrame([{key: row[key] for key in ("image", "caption")} for row in ROWS])
    if name == "parquet":
        rows.to_parquet(path)
    else:
        path.write_text(rows.to_csv(index=False) if name == "delimited" else rows.to_json(orient="records", lines=True))
    assert clcap("prepare-captions", "--train", path, "--min-count", 1, "--out", out).status == 0
    assert open_captions(out).image_ids == ["a.jpg", "b.jpg"]
    assert open_captions(out).splits.tolist() == ["train", "train"]


def test_restval_belongs_to_the_requested_split(clcap, tmp_path: Path) -> None:
    path, out = tmp_path / "k", tmp_path / "c.h5"
    path.write_bytes(karpathy().replace(b'"val"', b'"restval"'))
    for asked, split in (((), "train"), (("--restval", "more"), "more")):
        assert clcap("prepare-captions", path, "--min-count", 1, "--out", out, *asked).status == 0
        assert open_captions(out).splits.tolist() == ["train", split]


def test_a_file_without_what_a_dataset_needs_is_refused(error_of, file) -> None:
    assert error_of("prepare-captions", file("coco")) == (
        f"{file('coco')} does not give the images' splits; pass it with --train, --val or --test, add a column "
        "split to a table, or divide the images with --split-ratio 0.8,0.1,0.1"
    )
    for arguments in ((file("json-records"),), ("--train", file("json-records"))):
        assert error_of("prepare-captions", *arguments) == (
            f"{file('json-records')} does not give the images' file names, which a dataset needs"
        )
    for name in WITH_SPLITS:
        assert error_of("prepare-captions", "--val", file(name)) == (
            f"{file(name)} gives the split of each image, such as train; pass it without --val"
        )


def test_predictions_and_references_may_be_in_any_format(clcap, file, tmp_path: Path) -> None:
    result = tmp_path / "result"
    result.write_text("image_id,caption\n7,a dog\n9,a cat\n")
    arguments = ("--references", file("karpathy"), "--metrics", "rouge_l", "--out", tmp_path / "m.json")
    assert clcap("evaluate", result, *arguments).status == 0
    metrics = json.loads((tmp_path / "m.json").read_text())["metrics"]
    assert (metrics["images"], metrics["ROUGE_L"]) == (2, pytest.approx(1))


def test_captions_to_rank_may_be_in_any_format(clcap, chain: Path) -> None:
    assert clcap("caption", chain / "nt.pt", "--device", "cpu").status == 0
    results = chain / "nt.captions.json"
    table = pd.DataFrame(json.loads(results.read_text()))
    table.to_csv(chain / "result", index=False)
    ranks = []
    for path in (results, chain / "result"):
        arguments = ("--predictions", path, "--device", "cpu", "--out", chain / "r.json")
        assert clcap("self-retrieve", chain / "nt.pt", *arguments).status == 0
        ranks.append(json.loads((chain / "r.json").read_text())["images"])
    assert ranks[0] == ranks[1]


def test_an_id_of_two_images_is_refused_in_references_too(tmp_path: Path) -> None:
    path = tmp_path / "k.json"
    path.write_bytes(karpathy().replace(b'"cocoid": 9', b'"cocoid": 7'))
    with pytest.raises(ClcapError) as error:
        read_captions_by_image(path)
    assert str(error.value) == f"{path}: the images a.jpg and b.jpg have the same id, 7; give each image its own id"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'{"provenance": {}, "metrics": {}, "images": [{"image_id": 1}]}', "JSON, an object with the keys "),
        (b'{"metrics": 1}', "JSON, an object with the keys metrics"),
        (b"{}", "JSON, an empty object"),
        (b'[{"it": 1, "words": "a"}]', "JSON, a list that starts with an object with the keys it, words"),
        (b"[[1]]", "JSON, a list that starts with a list that starts with a number"),
        (b"a,b\nc\0,d\n", "a text file with a NUL character in line 2"),
        (b"\xfe\xd8\xff\x00", "a binary file that starts with the bytes fe d8 ff 00"),
        (b"name;words\n1;a dog\n", "a text file that starts with 'name;words\\n1;a dog'"),
    ],
)
def test_an_unknown_file_is_described(error_of, tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    message = error_of("prepare-captions", path)
    assert message.startswith(f"{path} is not a caption file of a known format: it is {found}")
    assert ". Known formats: COCO captions, Karpathy's datasets, JSON records, JSON columns, JSON Lines, " in message
    assert message.endswith("Tables need a header such as image,caption; --columns names other columns or keys")
    assert error_of("evaluate", "--predictions", path, "--references", path) == message


@pytest.mark.parametrize("name", ["empty.json", "page.json", "pointer.h5", "other.h5", "other.pt", "a.jpg", "x.zip"])
def test_a_file_of_another_purpose_is_named(error_of, tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.json"
    content, found = EXAMPLES[name]
    path.write_bytes(content)
    assert error_of("prepare-captions", path).startswith(f"{path} is {found}; a caption file, such as COCO's JSON")


KEYS = st.sampled_from(["images", "annotations", "image_id", "id", "caption", "sentences"])
JSON = st.recursive(
    st.sampled_from([None, True, 1, 1.5, "a", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
LINES = st.lists(JSON.map(json.dumps), max_size=3).map("\n".join) | st.text('{}[]",:\n1\0ü', max_size=20)


@settings(max_examples=60)
@given(LINES.map(str.encode) | st.binary(max_size=20))
@example(b'{"images": 5}')
@example(b'{"annotations": 5}')
@example(b'{"images": [5]}')
@example(b"[5]")
@example(b'{"id": 1}\n{"caption"')
@example(b'{"id": 1}{"id": 2}')
@example(b"\xff\xfe{\x00}\x00")
@example(b"[" * 100_000)
@example(b'id,caption\n1,"a')
def test_any_content_gives_records_or_a_clcap_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    try:
        assert all(isinstance(record, CaptionRecord) for record in read_captions(path).records)
    except ClcapError as error:
        assert str(path) in str(error)


PLUGIN = """
from clcap_cli.datasets.source import Reader
from clcap_cli.datasets.table import Row, Table

def recognises(source):
    return source.first_lines[:1] == ["#token"]

def read(source):
    lines = [line.split("\\t") for line in source.text.splitlines()[1:]]
    cells = [{"image": name, "caption": caption, "split": "train"} for name, caption in lines]
    return Table.of(source.path, [Row(f"line {at}", own) for at, own in enumerate(cells, 2)])

READER = Reader("Token files", recognises, read)
"""


def test_a_package_can_add_a_format(tmp_path: Path) -> None:
    (tmp_path / "token_files.py").write_text(PLUGIN)
    about = tmp_path / "token_files-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: token-files\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[clcap.readers]\ntoken = token_files:READER\n")
    captions, out = tmp_path / "flickr.token", tmp_path / "c.h5"
    captions.write_text("#token\na.jpg\ta dog\nb.jpg\ta cat\n")
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [*CLCAP, "prepare-captions", captions, "--min-count", "1", "--out", out]
    result = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert result.returncode == 0, result.stderr
    assert open_captions(out).image_ids == ["a.jpg", "b.jpg"]
