"""Attention files: what is written is read, and files that no clcap wrote are refused."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from clcap_cli.artifacts.attention import CaptionAttention, attention_path, open_attention, write_attention
from clcap_cli.artifacts.feature_info import ImportedInfo
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.evaluation.attention_recorder import text_and_ends
from clcap_cli.segmentation.registry import SEGMENTERS
from clcap_cli.tokenizers.words import WordTokenizer
from tests.artifacts.test_hostile_hdf5 import edited, removed, replaced

INFO = ImportedInfo(name="regions", regions=3, grid_channels=5, pooled_channels=5)


def attention_of(caption: str, regions: int, sentinel: bool = True) -> CaptionAttention:
    ends = np.cumsum([len(word) + 1 for word in caption.split()]).astype(np.int32) - 1
    weights = np.full((len(ends), regions), 1 / (regions + 1), np.float16)
    return CaptionAttention(caption, ends, weights, weights[:, 0] if sentinel else None)


def written(folder: Path, captions: dict[ImageId, list[CaptionAttention]]) -> Path:
    path = folder / "aa.attention.h5"
    write_attention(path, captions, INFO, Origin("caption", {}))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    two = {"a": [attention_of("a red dog", 3)], "b": [attention_of("cat", 1)]}
    return written(tmp_path, two)


@pytest.mark.parametrize("sentinel", [True, False])
def test_what_is_written_is_read(tmp_path: Path, sentinel: bool) -> None:
    texts = {7: ["a red dog", ""], 3: ["a cat", "a cat on a mat"]}
    captions = {id: [attention_of(text, 3 if id == 7 else 1, sentinel) for text in own] for id, own in texts.items()}
    opened = open_attention(written(tmp_path, captions))
    assert opened.features == INFO
    assert opened.has_sentinel == sentinel
    assert list(opened.captions) == [7, 3]
    for id, own in captions.items():
        for one, found in zip(own, opened.captions[id], strict=True):
            assert found.caption == one.caption
            assert found.ends.tolist() == one.ends.tolist()
            assert found.weights.tolist() == one.weights.tolist()
            assert (
                (found.sentinel is None) if one.sentinel is None else found.sentinel.tolist() == one.sentinel.tolist()
            )


def test_boxes_belong_to_their_images(tmp_path: Path) -> None:
    captions: dict[ImageId, list[CaptionAttention]] = {7: [attention_of("a dog", 3)], 3: [attention_of("a cat", 1)]}
    boxes = [np.full((3, 4), 0.5, np.float32), np.array([[0, 0, 1, 0.25]], np.float32)]
    write_attention(tmp_path / "x.h5", captions, INFO, Origin("caption", {}), boxes)
    opened = open_attention(tmp_path / "x.h5")
    assert {id: own.tolist() for id, own in opened.boxes.items()} == {7: boxes[0].tolist(), 3: boxes[1].tolist()}


def test_no_images_make_an_empty_file(tmp_path: Path) -> None:
    assert open_attention(written(tmp_path, {})).captions == {}


@pytest.mark.parametrize(
    ("captions", "attention"),
    [
        ("nt.captions.json", "nt.attention.h5"),
        ("own.csv", "own.attention.h5"),
        ("a.b.jsonl", "a.b.attention.h5"),
    ],
)
def test_the_file_is_named_after_the_captions(captions: str, attention: str) -> None:
    assert attention_path(Path("x") / captions) == Path("x") / attention


@pytest.mark.parametrize("name", ["words", "characters"])
def test_the_ends_of_tokens_divide_the_caption(name: str) -> None:
    words = {"words": ["a", "red", "dog"], "characters": ["一", "只", "狗"]}[name]
    tokenizer = WordTokenizer(words, SEGMENTERS.get(name))
    text, ends = text_and_ends(tokenizer, [2, 3, 3, 4])
    pieces = [text[start:end].strip() for start, end in zip([0, *ends], ends, strict=False)]
    assert pieces == [words[0], words[1], words[1], words[2]]
    assert ends[-1] == len(text)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (removed("weights"), "it has no 'weights'"),
        (removed("region_counts"), "it has no 'region_counts'"),
        (replaced("weights", np.zeros((4, 3), "f4")), "its 'weights' is float32 (4, 3), expected float16 (4, any)"),
        (replaced("weights", np.zeros((4, 2), "f2")), "its 'weights' is float16 (4, 2), expected float16 (4, 3)"),
        (edited("weights", 0, np.nan), "its 'weights' has values that are not from 0 to 1"),
        (edited("weights", 0, -1), "its 'weights' has values that are not from 0 to 1"),
        (edited("sentinel", 0, 2), "its 'sentinel' has values that are not from 0 to 1"),
        (edited("lengths", 0, -1), "its 'lengths' has values that are not from 0 to 1000"),
        (edited("lengths", 0, 4), "its 'ends' is int32 (4), expected int32 (5)"),
        (edited("ends", 0, 99), "its 'ends' do not divide the caption 'a red dog'"),
        (edited("ends", 3, -1), "its 'ends' do not divide the caption 'cat'"),
        (edited("region_counts", 0, 4), "its 'region_counts' has values that are not from 1 to 3"),
        (lambda file: file.__setitem__("boxes", np.zeros((3, 4), "f4")), "its 'boxes' is float32 (3, 4), expected"),
        (
            lambda file: file.__setitem__("boxes", np.full((4, 4), 2, "f4")),
            "its 'boxes' has values that are not from 0",
        ),
        (edited("id", 0, "b"), "its 'id' contains b twice"),
        (replaced("caption", ["x", "y", "z"]), "its 'lengths' is int32 (2), expected int32 (3)"),
    ],
)
def test_content_that_clcap_never_writes(path: Path, change: Callable[[h5py.File], None], problem: str) -> None:
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(ClcapError) as error:
        open_attention(path)
    message = str(error.value)
    assert message.startswith(f"{path} is damaged: {problem}"), message


def test_captions_that_images_cannot_share(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["id"], file["region_counts"]
        file["id"], file["region_counts"] = ["a", "b", "c"], np.ones(3, np.int32)
    with pytest.raises(ClcapError, match="is damaged: its number of captions is 2, expected 0; create it again"):
        open_attention(path)
