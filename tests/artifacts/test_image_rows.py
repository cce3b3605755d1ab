"""Texts and ids in a file that are read one by one: they equal what was written, and damage is an error."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.artifacts import image_rows
from clcap_cli.artifacts.hdf5 import HDF5Content, create_hdf5, open_hdf5, write_provenance
from clcap_cli.artifacts.image_rows import MAX_SAME_HASH, IndexedRows, ListedRows, write_rows
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.artifacts.stored_texts import StoredTexts, stored_texts, write_stored_texts
from clcap_cli.datasets.ids import canonical_id
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError

IDS = [7, "a.jpg", "007", -3, "ü/ß.png", 2**63 - 1]


@contextmanager
def written(path: Path, ids: Sequence[ImageId], **changed: np.ndarray) -> Iterator[HDF5Content]:
    """The content of a file with these ids, in which datasets are ``changed``."""
    with create_hdf5(path) as (file, _):
        write_stored_texts(file, "images/id", [str(id) for id in ids])
        write_rows(file, ids)
        for name, values in changed.items():
            del file["images"][name]
            file[f"images/{name}"] = values
        write_provenance(file, Origin("test", {}).make_provenance("clcap/neighbours", "", path))
    with open_hdf5(path) as (content, _):
        yield content


def ids_in(content: HDF5Content) -> StoredTexts[ImageId]:
    return stored_texts(content, "images/id", canonical_id)


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=20))
def test_stored_texts_are_those_written(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    with h5py.File(tmp_path_factory.mktemp("texts") / "x.h5", "w") as file:
        write_stored_texts(file, "x", texts)
        stored = StoredTexts(Path("x.h5"), file["x_text"][:], file["x_ends"][:], str)
    assert [*stored] == texts == [stored[index] for index in range(len(texts))]
    assert stored[1:3] == texts[1:3] and stored[:] == texts


def test_images_are_found_by_their_ids(tmp_path: Path) -> None:
    with written(tmp_path / "x.h5", IDS) as content:
        rows = IndexedRows(content, ids_in(content))
        asked = ["missing", *reversed(IDS), 8, "7.jpg"]
        assert rows.find(asked).tolist() == ListedRows(IDS).find(asked).tolist() == [-1, 5, 4, 3, 2, 1, 0, -1, -1]
        assert rows.find([]).tolist() == []


def test_images_whose_ids_have_the_same_hash_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_rows, "_hashes", lambda ids: np.full(len(ids), 5, dtype=np.uint64))
    ids = IDS[:MAX_SAME_HASH]
    with written(tmp_path / "x.h5", ids) as content:
        assert IndexedRows(content, ids_in(content)).find([*ids, 8]).tolist() == [0, 1, 2, 3, -1]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("rows", np.full(6, 6), "its 'images/rows' has values that are not from 0 to 5"),
        ("rows", np.full(6, -1), "its 'images/rows' has values that are not from 0 to 5"),
        ("id_ends", np.array([1, 6, 9, 8, 20, 36]), "the positions of its texts are impossible"),
        ("id_ends", np.full(6, -5), "the positions of its texts are impossible"),
        ("id_ends", np.full(6, 2**62), "the positions of its texts are impossible"),
        ("id_text", np.full(40, 0xFF, dtype=np.uint8), "a text in it is not valid UTF-8"),
        ("hashes", np.zeros(5, dtype=np.uint64), "its 'images/hashes' is uint64 (5), expected uint64 (6)"),
    ],
)
def test_a_damaged_index_is_an_error(tmp_path: Path, name: str, values: np.ndarray, message: str) -> None:
    with written(tmp_path / "x.h5", IDS, **{name: values}) as content, pytest.raises(ClcapError) as error:
        IndexedRows(content, ids_in(content)).find(IDS)
    assert str(error.value) == f"{tmp_path / 'x.h5'} is damaged: {message}; create it again"
