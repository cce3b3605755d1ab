from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.artifacts.captions import open_captions, write_captions
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.datasets.records import ImageRecord
from clcap_cli.errors import ClcapError
from clcap_cli.segmentation.registry import open_segmenter
from clcap_cli.tokenizers.registry import build_tokenizer
from clcap_cli.tokenizers.tokenizer import encode_captions
from clcap_cli.tokenizers.words import UNKNOWN, WordTokenizer

IMAGES = [
    ImageRecord(7, "a.jpg", "train", ["A dog, running.", "a zebra"]),
    ImageRecord(3, "b.jpg", "val", ["…", "dog dog dog dog"]),
]


@pytest.mark.parametrize("ids", [[7, 3], ["seven", "drei ö"], [7, "3"]])
def test_captions_survive_a_round_trip(tmp_path: Path, ids: list) -> None:
    images = [ImageRecord(id, i.file_name, i.split, i.captions) for id, i in zip(ids, IMAGES, strict=True)]
    write_captions(tmp_path / "c.h5", images, WordTokenizer(["a", "dog", "running"]), 3, Origin("test", {}))
    opened = open_captions(tmp_path / "c.h5")
    assert opened.image_ids == [7, 3] if 7 in ids else ids
    assert opened.file_names == ["a.jpg", "b.jpg"]
    assert opened.splits.tolist() == ["train", "val"]
    assert opened.caption_starts.tolist() == [0, 2, 4]
    assert opened.word_tokens.lengths.tolist() == [3, 2, 0, 3]
    assert opened.word_tokens.tokens.tolist() == [[2, 3, 4], [2, UNKNOWN, 0], [0, 0, 0], [3, 3, 3]]
    assert opened.raw == ["A dog, running.", "a zebra", "…", "dog dog dog dog"]
    assert opened.tokenizer.words == ["a", "dog", "running"]
    assert opened.references(np.array([1])) == {opened.image_ids[1]: ["…", "dog dog dog dog"]}


def test_the_id_depends_on_the_content(tmp_path: Path) -> None:
    def id_of(images: list[ImageRecord], words: list[str]) -> str:
        write_captions(tmp_path / "c.h5", images, WordTokenizer(words), 3, Origin("test", {}))
        return open_captions(tmp_path / "c.h5").provenance.id

    first = id_of(IMAGES, ["a", "dog"])
    assert id_of(IMAGES, ["a", "dog"]) == first
    assert id_of(IMAGES, ["a", "cat"]) != first
    assert id_of(IMAGES[::-1], ["a", "dog"]) != first


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=9), max_size=5), st.integers(1, 9))
def test_encoding_truncates_to_the_first_words(captions: list[list[str]], longest: int) -> None:
    tokenizer = WordTokenizer(["a", "b", "c", "d"])
    encoded = encode_captions([" ".join(words) for words in captions], tokenizer, longest)
    for words, row, length in zip(captions, encoded.tokens, encoded.lengths, strict=True):
        assert tokenizer.decode(row[:length]) == " ".join(words[:longest])
        assert not row[length:].any()


TEXT = h5py.string_dtype()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("captions/tokens", np.zeros((4, 3), "f4"), "is float32 (4, 3), expected int32 (any, any)"),
        ("captions/tokens", np.zeros((4, 3), ">i4"), "is >i4 (4, 3), expected int32 (any, any)"),
        ("captions/tokens", np.zeros(12, "i4"), "is int32 (12), expected int32 (any, any)"),
        ("captions/tokens", np.full((4, 3), 5, "i4"), "has 5, expected 0 to 4"),
        ("captions/tokens", np.full((4, 3), -1, "i4"), "has -1, expected 0 to 4"),
        ("captions/lengths", np.array([1, 2, 4, 3], "i4"), "has 4, expected 0 to 3"),
        ("captions/lengths", np.array([1, 2, 3], "i4"), "is int32 (3), expected int32 (4)"),
        ("captions/image", np.array([0, 1, 0, 1], "i4"), "does not list the 2 images in order"),
        ("captions/image", np.array([0, 0, 1, 2], "i4"), "does not list the 2 images in order"),
        ("captions/image", np.array([-1, 0, 1, 1], "i4"), "does not list the 2 images in order"),
        ("captions/raw", ["a", "b", "c"], "is text (3), expected text (4)"),
        ("captions/raw", np.zeros(4, "i4"), "is int32 (4), expected text (4)"),
        ("images/id", np.array([7, 7]), "contains 7 twice"),
        ("images/id", ["a", "a"], "contains a twice"),
        ("images/id", np.zeros(2), "is float64 (2), expected int64 (any)"),
        ("images/file_name", ["a"], "is text (1), expected text (2)"),
        ("images/split", ["train", "val", "test"], "is text (3), expected text (2)"),
        ("vocabulary", np.zeros(3), "is float64 (3), expected text (any)"),
    ],
)
def test_a_dataset_of_wrong_type_shape_or_range_is_refused(
    tmp_path: Path, name: str, value: object, problem: str
) -> None:
    path = tmp_path / "c.h5"
    write_captions(path, IMAGES, WordTokenizer(["a", "dog", "running"]), 3, Origin("test", {}))
    with h5py.File(path, "a") as file:
        del file[name]
        file.create_dataset(name, data=value, dtype=TEXT if isinstance(value, list) else None)
    with pytest.raises(ClcapError) as error:
        open_captions(path)
    assert str(error.value) == f"{path} is damaged: its '{name}' {problem}; create it again"


@pytest.mark.parametrize("words", [["a", "dog", "a"], ["a", "<end>"]])
def test_a_duplicate_word_in_the_vocabulary_is_refused(tmp_path: Path, words: list[str]) -> None:
    write_captions(tmp_path / "c.h5", IMAGES, WordTokenizer(words), 3, Origin("test", {}))
    with pytest.raises(ClcapError, match=r"c\.h5 is damaged: its vocabulary contains (a|<end>) twice; create it again"):
        open_captions(tmp_path / "c.h5")


def test_a_missing_dataset_is_refused(tmp_path: Path) -> None:
    write_captions(tmp_path / "c.h5", IMAGES, WordTokenizer(["a"]), 3, Origin("test", {}))
    with h5py.File(tmp_path / "c.h5", "a") as file:
        del file["captions/raw"]
    with pytest.raises(ClcapError, match=r"c\.h5 is damaged: it has no 'captions/raw'; create it again"):
        open_captions(tmp_path / "c.h5")


@pytest.mark.parametrize("name", ["characters", "jieba"])
def test_the_segmentation_survives_a_round_trip(tmp_path: Path, name: str) -> None:
    tokenizer = WordTokenizer(["一", "只"], open_segmenter(name))
    write_captions(tmp_path / "c.h5", IMAGES, tokenizer, 3, Origin("test", {}))
    assert open_captions(tmp_path / "c.h5").tokenizer == tokenizer != WordTokenizer(tokenizer.words)
    assert build_tokenizer(tokenizer.record(), "a file") == tokenizer


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ("{", "is damaged: its 'segmentation' names no segmentation; create it again"),
        ("[]", "is damaged: its 'segmentation' names no segmentation; create it again"),
        ("{}", "is damaged: its 'segmentation' names no segmentation; create it again"),
        ('{"name": "klingon"}', "was split with --tokenize klingon, which clcap does not include"),
        ('{"json": "no"}', "is not a tokenizer.json"),
    ],
)
def test_a_damaged_segmentation_is_refused(tmp_path: Path, record: str, problem: str) -> None:
    write_captions(tmp_path / "c.h5", IMAGES, WordTokenizer(["a"]), 3, Origin("test", {}))
    with h5py.File(tmp_path / "c.h5", "a") as file:
        file.create_dataset("segmentation", data=[record], dtype=TEXT)
    with pytest.raises(ClcapError) as error:
        open_captions(tmp_path / "c.h5")
    assert str(tmp_path / "c.h5") in str(error.value)
    assert problem in str(error.value)
