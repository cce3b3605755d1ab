"""extract-features computes only the images that are not in the features.h5 that it replaces."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from clcap_cli.artifacts.features import open_features
from tests.conftest import CommandResult
from tests.stages.test_extract_resume import NETWORK, write_captions, write_image

NAMES = [f"{number}.png" for number in range(40)]


@pytest.fixture
def extract(tmp_path: Path, clcap: Callable[..., CommandResult]) -> Callable[..., str]:
    """Write captions.h5 with some images and extract their features to f.h5; returns the messages."""
    (tmp_path / "images").mkdir()
    for seed, name in enumerate(NAMES):
        write_image(tmp_path / "images" / name, seed)

    def run(names: list[str], *options: object) -> str:
        captions = write_captions(tmp_path, names)
        files = (captions, "--images", tmp_path / "images", "--out", tmp_path / "f.h5", "--skip-bad")
        result = clcap("extract-features", *files, *NETWORK, *options)
        assert result.status == 0, result.err
        return result.err

    return run


def rows(folder: Path) -> dict[str, bytes]:
    features = open_features(folder / "f.h5")
    every = np.arange(len(features.ids))
    grid, pooled = features.grid_at(every)[0], features.pooled_at(every)
    return {name: grid[row].tobytes() + pooled[row].tobytes() for row, name in enumerate(features.names)}


def extends(folder: Path) -> list[str]:
    return open_features(folder / "f.h5").provenance.extends


def test_rows_of_the_same_pictures_are_kept_bit_for_bit(tmp_path: Path, extract: Callable[..., str]) -> None:
    extract(NAMES[5:20])
    before, id = rows(tmp_path), open_features(tmp_path / "f.h5").provenance.id
    assert f"15 of 40 images are already in {tmp_path / 'f.h5'}, made from the same image files" in extract(NAMES)
    after = rows(tmp_path)
    assert list(after) == NAMES
    assert {name: after[name] for name in before} == before
    assert extends(tmp_path) == [id]
    assert "40 of 40 images are already in" in extract(NAMES)
    assert rows(tmp_path) == after
    assert extends(tmp_path) == [id]  # not itself


def test_renamed_pictures_are_not_computed_again(tmp_path: Path, extract: Callable[..., str]) -> None:
    extract(NAMES)
    before = rows(tmp_path)
    (tmp_path / "images" / "7.png").rename(tmp_path / "images" / "seven.png")
    names = [name.replace("7.png", "seven.png") if name == "7.png" else name for name in NAMES]
    assert "40 of 40 images are already in" in extract(names)
    assert rows(tmp_path) == {("seven.png" if name == "7.png" else name): row for name, row in before.items()}


def test_changed_pictures_are_computed_again(tmp_path: Path, extract: Callable[..., str]) -> None:
    extract(NAMES)
    before = rows(tmp_path)
    write_image(tmp_path / "images" / "7.png", 1000)
    message = extract(NAMES)
    assert "39 of 40 images are already in" in message
    assert "image files that have changed since: 7.png" in message
    after = rows(tmp_path)
    assert [name for name in NAMES if after[name] != before[name]] == ["7.png"]
    assert extends(tmp_path) == []


def test_pictures_that_became_readable_are_added(tmp_path: Path, extract: Callable[..., str]) -> None:
    picture = tmp_path / "images" / "39.png"
    whole = picture.read_bytes()
    picture.write_bytes(whole[:-60])
    extract(NAMES)
    first = open_features(tmp_path / "f.h5")
    assert first.skipped == ["39.png"]
    assert "39 of 40 images are already in" in extract(NAMES)  # all new images are unreadable
    assert open_features(tmp_path / "f.h5").provenance.id == first.provenance.id
    picture.write_bytes(whole)
    extract(NAMES)
    assert open_features(tmp_path / "f.h5").skipped == []
    assert extends(tmp_path) == [first.provenance.id]


def test_rows_of_other_networks_and_versions_are_not_reused(
    tmp_path: Path, extract: Callable[..., str], shared_chain: Path
) -> None:
    extract(NAMES[:3])
    other = extract(NAMES[:3], "--image-size", 48)
    assert (
        f"no features of the earlier {tmp_path / 'f.h5'} are reused: it was made with --image-size 32, here "
        "--image-size 48; models made from it will not accept the new features\n"
    ) in other
    with h5py.File(tmp_path / "f.h5", "a") as file:
        file.attrs["provenance"] = file.attrs["provenance"].replace(
            '"format":"clcap/features","version":2', '"format":"clcap/features","version":1'
        )
    id = open_features(tmp_path / "f.h5").provenance.id
    assert "are reused: it was written by an earlier version" in extract(NAMES[:3], "--image-size", 48)
    assert open_features(tmp_path / "f.h5").provenance.id == id


def test_damaged_rows_are_computed_again(tmp_path: Path, extract: Callable[..., str]) -> None:
    extract(NAMES)
    before = rows(tmp_path)
    with h5py.File(tmp_path / "f.h5", "a") as file:
        file["grid"][3] += 1
    with pytest.raises(Exception, match=r"f\.h5 is damaged: the features of image 3\.png are not those written"):
        rows(tmp_path)
    message = extract(NAMES)
    assert f"warning: {tmp_path / 'f.h5'}: damaged features are computed again: 3.png" in message
    assert rows(tmp_path).keys() == before.keys()
    assert [name for name in NAMES if rows(tmp_path)[name] != before[name]] in ([], ["3.png"])
