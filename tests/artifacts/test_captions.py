from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.artifacts.captions import encode_captions, open_captions, write_captions
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.datasets.records import ImageRecord
from clcap_cli.datasets.vocabulary import UNK, Vocabulary

IMAGES = [
    ImageRecord(7, "a.jpg", "train", ["A dog, running.", "a zebra"]),
    ImageRecord(3, "b.jpg", "val", ["…", "dog dog dog dog"]),
]


@pytest.mark.parametrize("ids", [[7, 3], ["seven", "drei ö"], [7, "3"]])
def test_what_is_written_is_read(tmp_path: Path, ids: list) -> None:
    images = [ImageRecord(id, i.file_name, i.split, i.captions) for id, i in zip(ids, IMAGES, strict=True)]
    write_captions(tmp_path / "c.h5", images, Vocabulary(["a", "dog", "running"]), 3, Origin("test", {}))
    found = open_captions(tmp_path / "c.h5")
    assert found.image_ids == (ids if all(isinstance(id, int) for id in ids) else [str(id) for id in ids])
    assert found.file_names == ["a.jpg", "b.jpg"]
    assert found.splits.tolist() == ["train", "val"]
    assert found.starts.tolist() == [0, 2, 4]
    assert found.lengths.tolist() == [3, 2, 0, 3]
    assert found.tokens.tolist() == [[2, 3, 4], [2, UNK, 0], [0, 0, 0], [3, 3, 3]]
    assert found.raw == ["A dog, running.", "a zebra", "…", "dog dog dog dog"]
    assert found.vocabulary.words[2:] == ["a", "dog", "running"]
    assert found.references(np.array([1])) == {found.image_ids[1]: ["…", "dog dog dog dog"]}


def test_the_id_follows_the_content(tmp_path: Path) -> None:
    def id_of(images: list[ImageRecord], words: list[str]) -> str:
        write_captions(tmp_path / "c.h5", images, Vocabulary(words), 3, Origin("test", {}))
        return open_captions(tmp_path / "c.h5").provenance.id

    first = id_of(IMAGES, ["a", "dog"])
    assert id_of(IMAGES, ["a", "dog"]) == first
    assert id_of(IMAGES, ["a", "cat"]) != first
    assert id_of(IMAGES[::-1], ["a", "dog"]) != first


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=9), max_size=5), st.integers(1, 9))
def test_encoding_keeps_the_first_words(captions: list[list[str]], longest: int) -> None:
    vocabulary = Vocabulary(["a", "b", "c", "d"])
    tokens, lengths = encode_captions(captions, vocabulary, longest)
    for words, row, length in zip(captions, tokens, lengths, strict=True):
        assert vocabulary.decode(row[:length]) == " ".join(words[:longest])
        assert not row[length:].any()
