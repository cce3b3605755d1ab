"""The caption files of the field are read as they are; the files here are small, with the keys of the real ones."""

import bz2
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

from clcap_cli.datasets.read_options import ReadOptions
from clcap_cli.datasets.readers import read_captions
from clcap_cli.datasets.records import CaptionFile
from clcap_cli.errors import ClcapError

DOG, BONE, CAT = "A dog, running .", "The dog's bone.", 'A "cat" on a mat.'
COCO_IMAGES = [
    {"license": 1, "file_name": "COCO_val2014_000000000042.jpg", "height": 480, "width": 640, "id": 42},
    {"license": 2, "file_name": "COCO_val2014_000000000073.jpg", "height": 480, "width": 640, "id": 73},
]
COCO_NAMES = [image["file_name"] for image in COCO_IMAGES]
NUMBERED = [(42, COCO_NAMES[0], None, [DOG, BONE]), (73, COCO_NAMES[1], None, [CAT])]
Found = list[tuple[int | str, str | None, str | None, list[str]]]
"""Id, file name, split and captions of each image."""


def as_json(content: object) -> bytes:
    return json.dumps(content).encode()


def as_lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_parquet(rows: list[dict]) -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    return file.getvalue()


def coco(with_ids: bool = True, **more: object) -> bytes:
    rows = [(42, DOG), (73, CAT), (42, BONE)]
    annotations = [
        {"image_id": id, **({"id": 900 + number} if with_ids else {}), "caption": caption, **more}
        for number, (id, caption) in enumerate(rows)
    ]
    return as_json({"info": {}, "licenses": [], "images": COCO_IMAGES, "annotations": annotations})


def karpathy(with_cocoid: bool = True, tokens_only: bool = False) -> bytes:
    images = []
    for number, (id, name, _, captions) in enumerate(NUMBERED):
        sentences = [
            {
                "tokens": text.strip(" .").lower().split(),
                **({} if tokens_only else {"raw": text}),
                "imgid": number,
                "sentid": 10 * number + at,
            }
            for at, text in enumerate(captions)
        ]
        image = {"filepath": "val2014", "sentids": [], "filename": name, "imgid": number, "split": "test"}
        images.append({**image, "sentences": sentences, **({"cocoid": id} if with_cocoid else {})})
    return as_json({"images": images, "dataset": "coco"})


def textcaps() -> bytes:
    shared = {"image_id": "c3ea5f", "set_name": "train", "image_path": "train/c3ea5f.jpg", "image_name": "c3ea5f"}
    shared |= {"image_classes": ["Food"], "flickr_original_url": "https://f.com/1_o.jpg", "image_width": 1024}
    data = [
        {**shared, "caption_id": 36680 + number, "caption_str": text, "reference_strs": [DOG, BONE]}
        | {"caption_tokens": ["a"], "reference_tokens": [["a"], ["the"]]}
        for number, text in enumerate([DOG, BONE])
    ]
    return as_json({"dataset_type": "train", "dataset_name": "textcaps", "dataset_version": "0.1", "data": data})


def vizwiz() -> bytes:
    images = [
        {"file_name": f"VizWiz_train_0000000{id}.jpg", "id": id, "vizwiz_url": "https://v.org", "text_detected": True}
        for id in range(3)
    ]
    flags = {"is_precanned": False, "is_rejected": False}
    annotations = [
        {"caption": DOG, "image_id": 0, **flags, "id": 0, "text_detected": True},
        {"caption": "spam", "image_id": 0, **flags, "is_rejected": True, "id": 1, "text_detected": True},
        {"caption": CAT, "image_id": 1, **flags, "id": 2, "text_detected": True},
        {"caption": "Quality issues are too severe.", "image_id": 1, **flags, "is_precanned": True, "id": 3},
        {"caption": "Quality issues are too severe.", "image_id": 2, **flags, "is_precanned": True, "id": 4},
    ]
    return as_json({"info": {}, "images": images, "annotations": annotations})


VIZWIZ = [(id, f"VizWiz_train_0000000{id}.jpg", None, [text]) for id, text in enumerate([DOG, CAT])]
BLIP_NAMES = [f"val2014/{name}" for name in COCO_NAMES]
BY_NAME = [(BLIP_NAMES[0], BLIP_NAMES[0], None, [DOG, BONE]), (BLIP_NAMES[1], BLIP_NAMES[1], None, [CAT])]
BLIP_TRAIN = [
    {"caption": text, "image": name, "image_id": f"coco_{id}"}
    for name, (id, _, _, captions) in zip(BLIP_NAMES, NUMBERED, strict=True)
    for text in captions
]
AIC_NAME = "8f00f3d0f1008e085ab660e70dffced16a8259f6.jpg"
JSON_FILES: dict[str, tuple[bytes, Found]] = {
    "COCO captions": (coco(), NUMBERED),
    "COCO captions without annotation ids": (coco(with_ids=False), NUMBERED),
    "COCO image_info": (
        as_json({"info": {}, "images": COCO_IMAGES, "licenses": [], "categories": []}),
        [(id, name, None, []) for id, name, _, _ in NUMBERED],
    ),
    "nocaps": (
        as_json(
            {
                "licenses": [],
                "info": {},
                "images": [{"id": 0, "file_name": "0013ea.jpg", "open_images_id": "0013ea", "domain": "near-domain"}],
                "annotations": [{"image_id": 0, "id": 0, "caption": DOG}, {"image_id": 0, "id": 1, "caption": CAT}],
            }
        ),
        [(0, "0013ea.jpg", None, [DOG, CAT])],
    ),
    "STAIR with URLs only": (
        as_json(
            {
                "licenses": [],
                "images": [{"license": 5, "flickr_url": "http://f.com/a_z.jpg", "id": 42, "date_captured": "2013"}],
                "annotations": [{"image_id": 42, "id": 1, "caption": "犬が走る", "tokenized_caption": "犬 が 走る"}],
            }
        ),
        [(42, None, None, ["犬が走る"])],
    ),
    "VizWiz": (vizwiz(), VIZWIZ),
    "LAVIS coco_karpathy_test_gt": (
        as_json(
            {
                "annotations": [{"image_id": "42", "caption": text, "id": 0} for text in (DOG, BONE)],
                "images": [{"id": "42"}],
            }
        ),
        [(42, None, None, [DOG, BONE])],
    ),
    "Karpathy": (karpathy(), [(id, f"val2014/{name}", "test", own) for id, name, _, own in NUMBERED]),
    "Karpathy without cocoid": (
        karpathy(with_cocoid=False),
        [(id, f"val2014/{name}", "test", own) for id, (_, name, _, own) in enumerate(NUMBERED)],
    ),
    "Karpathy with tokens only": (
        karpathy(tokens_only=True),
        [
            (42, BLIP_NAMES[0], "test", ["a dog, running", "the dog's bone"]),
            (73, BLIP_NAMES[1], "test", ['a "cat" on a mat']),
        ],
    ),
    "COCO results": (
        as_json([{"image_id": 42, "caption": DOG}, {"image_id": 73, "caption": CAT}]),
        [(42, None, None, [DOG]), (73, None, None, [CAT])],
    ),
    "dict of ground truths": (
        as_json({"42": [{"caption": DOG, "image_id": 42, "id": 1}, {"caption": BONE, "image_id": 42, "id": 2}]}),
        [(42, None, None, [DOG, BONE])],
    ),
    "image -> captions": (as_json({"a.jpg": [DOG, BONE], "b.jpg": [CAT]}),
                          [("a.jpg", "a.jpg", None, [DOG, BONE]), ("b.jpg", "b.jpg", None, [CAT])]),
    "image -> caption": (as_json({"42": DOG, "73": CAT}), [(42, None, None, [DOG]), (73, None, None, [CAT])]),
    "BLIP coco_karpathy_train": (
        as_json(BLIP_TRAIN),
        [(f"coco_{id}", name, None, own) for name, (id, _, _, own) in zip(BLIP_NAMES, NUMBERED, strict=True)],
    ),
    "BLIP coco_karpathy_val": (
        as_json([{"image": name, "caption": own} for name, (_, _, _, own) in zip(BLIP_NAMES, NUMBERED, strict=True)]),
        BY_NAME,
    ),
    "neuraltalk2 coco_raw": (
        as_json([{"file_path": name, "id": id, "captions": own} for id, name, _, own in NUMBERED]),
        NUMBERED,
    ),
    "neuraltalk2 vis": (
        as_json([{"image_id": "42", "caption": DOG}, {"image_id": "73", "caption": CAT}]),
        [(42, None, None, [DOG]), (73, None, None, [CAT])],
    ),
    "TextCaps": (textcaps(), [("c3ea5f", "train/c3ea5f.jpg", "train", [DOG, BONE])]),
    "AIC-ICC": (
        as_json([{"url": "http://itc.cn/71.jpg", "image_id": AIC_NAME, "caption": ["两个人", "球场上"]}]),
        [(AIC_NAME, AIC_NAME, None, ["两个人", "球场上"])],
    ),
    "pandas' to_json of columns": (
        pd.DataFrame({"image": ["a.jpg", "b.jpg"], "caption": [DOG, CAT]}).to_json().encode(),
        [("a.jpg", "a.jpg", None, [DOG]), ("b.jpg", "b.jpg", None, [CAT])],
    ),
    "lists of cells": (
        as_json({"image": ["a.jpg", "b.jpg"], "caption": [[DOG, BONE], CAT]}),
        [("a.jpg", "a.jpg", None, [DOG, BONE]), ("b.jpg", "b.jpg", None, [CAT])],
    ),
    "one list per split": (
        as_json({"train": [{"image": "a.jpg", "caption": DOG}], "dev": [{"image": "b.jpg", "caption": CAT}]}),
        [("a.jpg", "a.jpg", "train", [DOG]), ("b.jpg", "b.jpg", "val", [CAT])],
    ),
    "JSON Lines": (
        as_lines({"image": "a.jpg", "caption": DOG}, {"image": "a.jpg", "caption": BONE}),
        [("a.jpg", "a.jpg", None, [DOG, BONE])],
    ),
}  # fmt: skip


def images_of(file: CaptionFile) -> Found:
    """The images of a file, each with its captions."""
    images: dict[object, tuple] = {}
    for one in file.records:
        images.setdefault(one.id, (one.id, one.file_name, one.split, []))[3].extend(one.captions)
    return list(images.values())


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., CaptionFile]:
    """Read ``content`` under a name that says nothing about its format."""

    def run(content: bytes, **options: str) -> CaptionFile:
        path = tmp_path / "captions"
        path.write_bytes(content)
        return read_captions(path, ReadOptions(**options))

    return run


@pytest.fixture
def refusal(read: Callable[..., CaptionFile]) -> Callable[..., str]:
    """The message with which ``content`` is refused, without the file's path."""

    def run(content: bytes, **options: str) -> str:
        with pytest.raises(ClcapError) as error:
            read(content, **options)
        return str(error.value).partition("captions")[2]

    return run


@pytest.mark.parametrize("name", JSON_FILES)
def test_json_files_are_read_as_they_are(read, name: str) -> None:
    content, expected = JSON_FILES[name]
    assert images_of(read(content)) == expected


TABLE = [("a.jpg", "a.jpg", None, [DOG, BONE]), ("b.jpg", "b.jpg", None, [CAT])]
ROWS = [("a.jpg", DOG), ("a.jpg", BONE), ("b.jpg", CAT)]
UNQUOTED = [("a.jpg", "A dog runs ."), ("a.jpg", BONE), ("b.jpg", "A cat .")]
UNQUOTED_TABLE = [("a.jpg", "a.jpg", None, ["A dog runs .", BONE]), ("b.jpg", "b.jpg", None, ["A cat ."])]


def delimited(separator: str, image: str = "image", caption: str = "caption") -> bytes:
    table = pd.DataFrame(ROWS, columns=[image, caption])
    return table.to_csv(index=False, sep=separator).encode()


def flickr30k_csv() -> bytes:
    rows = [f"{image}| {number}| {text}" for number, (image, text) in enumerate(UNQUOTED[:2])]
    return "\n".join(["image_name| comment_number| comment", *rows, "b.jpg| 4   A cat .", ""]).encode()


def tokens(number: str = "#") -> bytes:
    return "".join(f"{image}{number}{at}\t{text}\n" for at, (image, text) in enumerate(ROWS)).encode()


TEXT_FILES: dict[str, tuple[bytes, Found]] = {
    "Flickr8k.token.txt": (tokens(), TABLE),
    "Flickr8k-CN": (tokens("#zhc#").replace(b"\t", b" "), TABLE),
    "results_20130124.token without a last line end": (tokens().rstrip(b"\n"), TABLE),
    "Kaggle's captions.txt": (delimited(","), TABLE),
    "Flickr30k's results.csv": (flickr30k_csv(), UNQUOTED_TABLE),
    "Conceptual Captions": (
        b"a dog\thttp://x.com/a.jpg?w=1\na cat\thttps://y.org/p/a.jpg\n",
        [
            ("http://x.com/a.jpg?w=1", "x.com/a.jpg?w=1", None, ["a dog"]),
            ("https://y.org/p/a.jpg", "y.org/p/a.jpg", None, ["a cat"]),
        ],
    ),
    "Conceptual 12M": (
        b"http://x.com/a.jpg\ta dog\n",
        [("http://x.com/a.jpg", "x.com/a.jpg", None, ["a dog"])],
    ),
    "pandas' CSV with an index": (pd.DataFrame(ROWS, columns=["image", "caption"]).to_csv().encode(), TABLE),
}  # fmt: skip
IMAGE_NAMES = ("image", "Image", "filename", "file_name", "File Name", "image_path", "img", "path", "image_name")
CAPTION_NAMES = ("caption", "Caption", "text", "sentence", "raw", "comment", " comment", "captions")


@pytest.mark.parametrize("name", TEXT_FILES)
def test_text_files_are_read_as_they_are(read, name: str) -> None:
    content, expected = TEXT_FILES[name]
    assert images_of(read(content)) == expected


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("image", IMAGE_NAMES)
def test_usual_columns_and_separators_are_recognised(read, separator: str, image: str) -> None:
    for caption in CAPTION_NAMES:
        assert images_of(read(delimited(separator, image, caption))) == TABLE


@pytest.mark.parametrize("line_end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-8"])
@pytest.mark.parametrize("content", [tokens(), delimited(","), as_lines(*({"image": a, "text": b} for a, b in ROWS))])
def test_encodings_and_line_ends_are_recognised(read, content: bytes, encoding: str, line_end: str) -> None:
    text = content.decode().replace("\n", line_end)
    assert images_of(read(text.encode(encoding))) == TABLE


def test_other_encodings_are_named_by_the_user(read, refusal) -> None:
    content = "image,caption\na.jpg,une pêche\n".encode("latin-1")
    advice = "if it is text, name its encoding, such as --encoding latin-1"
    assert images_of(read(content, encoding="latin-1"))[0][3] == ["une pêche"]
    assert refusal(content) == f" is not UTF-8 text: line 2 contains the byte 0xea; {advice}"


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lambda content: pyarrow.compress(content, "zstd")])
@pytest.mark.parametrize(
    "content", [coco(), karpathy(), tokens(), delimited("\t"), as_parquet([{"id": 1, "text": "a"}])]
)
def test_compressed_files_are_read(read, content: bytes, compress: Callable) -> None:
    compressed = compress(content)
    packed = compressed if isinstance(compressed, bytes) else compressed.to_pybytes()
    assert images_of(read(packed)) == images_of(read(content))


def picture(path: str | None) -> dict:
    return {"bytes": b"\xff\xd8\xff", "path": path}


PARQUET_FILES: dict[str, tuple[list[dict], Found]] = {
    "flickr30k": (
        [
            {"image": picture(None), "caption": [DOG, BONE], "sentids": ["0", "1"], "split": "train", "img_id": "0"}
            | {"filename": "1000092795.jpg"}
        ],
        [(0, "1000092795.jpg", "train", [DOG, BONE])],
    ),
    "coco-karpathy": (
        [
            {"filepath": "val2014", "sentids": [1, 2], "filename": name, "imgid": at, "split": "test"}
            | {"sentences": own, "cocoid": id, "url": "http://c.org"}
            for at, (id, name, _, own) in enumerate(NUMBERED)
        ],
        [(id, name, "test", own) for name, (id, _, _, own) in zip(BLIP_NAMES, NUMBERED, strict=True)],
    ),
    "flickr8k with caption_0 to caption_4": (
        [{"image": picture("a.jpg"), **{f"caption_{number}": f"dog {number}" for number in range(5)}}],
        [("a.jpg", "a.jpg", None, [f"dog {number}" for number in range(5)])],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PARQUET_FILES)
def test_parquet_files_of_hugging_face_are_read(read, name: str) -> None:
    rows, expected = PARQUET_FILES[name]
    assert images_of(read(as_parquet(rows))) == expected


def test_what_was_left_out_is_counted(read) -> None:
    assert read(vizwiz()).notes == [
        "left out: 3 captions marked is_rejected or is_precanned, with 1 image without others"
    ]
    mixed = karpathy().replace(b', "cocoid": 73', b"")
    file = read(mixed)
    assert [record.id for record in file.records] == [0, 1]
    assert file.notes == ["1 image without cocoid, so an image's id is its imgid"]
    assert read(flickr30k_csv()).notes[-1] == "row 3 (line 4): a separator is missing after 4 and was added"


SETTINGS = {
    "package.json": {"name": "my-app", "version": "1.0.0", "description": "a web page of mine"},
    "prompts": {"prompt": "a photo of a dog", "negative_prompt": "blurry and dark"},
    "vocabulary": {"1": "the", "2": "dog", "3": "cat"},
    "classes of ImageNet": {"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]},
    "training settings": {"lr": 0.1, "epochs": 3, "out dir": "my folder"},
    "columns of URLs": {"image_urls": ["http://x/a.jpg"], "captions": ["a dog runs"]},
    "tokens by word": {"a": 1, "dog": 2},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_files_of_settings_are_not_taken_for_captions(refusal, name: str) -> None:
    assert refusal(as_json(SETTINGS[name])).startswith(" is not a caption file of a known format")


@pytest.mark.parametrize(
    "content", [b"A dog runs.\nA cat sits.\n", b"1.jpg\n2.jpg\n", b"2026-01-01 10:00 INFO step 1\n"]
)
def test_lists_and_logs_are_not_taken_for_captions(refusal, content: bytes) -> None:
    assert refusal(content).startswith(" is not a caption file of a known format: it is a text file that starts with")


INSTANCES = {
    "images": [{"id": 1, "file_name": "a.jpg"}],
    "annotations": [{"image_id": 1, "id": 1, "bbox": [0, 0, 1, 1], "category_id": 3}],
}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (as_json(INSTANCES), ": no annotation has a caption; their keys are image_id, id, bbox, category_id. "),
        (
            as_json({"image": ["a.jpg"], "text": ["a", "b"]}),
            ": columns 'image' and 'text' have cells of different rows",
        ),
        (
            b"a.jpg#0\ta dog\nb.jpg a cat\n",
            ": line 2 is 'b.jpg a cat'; an image, # and a number, a tab and a caption are",
        ),
        (b"a dog\thttp://x.com/a\nbroken\n", ": line 2 is 'broken'; a caption, a tab and a URL are expected"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "captions"
    path.write_bytes(content)
    with pytest.raises(ClcapError) as error:
        read_captions(path)
    assert str(error.value).startswith(f"{path}{reason}")
