"""Division of images into splits by their ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.datasets.split_ratio import SplitRatio
from clcap_cli.errors import InvalidValueError


@given(st.lists(st.integers() | st.text(), unique_by=str), st.integers(0, 9))
def test_the_split_of_an_image_depends_on_its_id_and_the_seed(ids: list, seed: int) -> None:
    division = SplitRatio.parse("0.5,0.25,0.25", seed)
    assert [division.split_of(id) for id in ids] == [SplitRatio.parse("0.5,0.25,0.25", seed).split_of(id) for id in ids]
    assert all(division.split_of(id) == division.split_of(str(id)) for id in ids)


def test_shares_are_those_asked_for() -> None:
    division = SplitRatio.parse("0.8,0,0.2", seed=1)
    splits = [division.split_of(id) for id in range(10_000)]
    assert "val" not in splits
    assert splits.count("train") == pytest.approx(8000, abs=150)
    assert splits != [SplitRatio.parse("0.8,0,0.2", seed=2).split_of(id) for id in range(10_000)]


@pytest.mark.parametrize("text", ["", "0.8", "0.8,0.2", "0.8,0.1,0.2", "1.2,-0.1,-0.1", "a,b,c", "nan,0,1"])
def test_other_shares_are_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="three shares that add up to 1"):
        SplitRatio.parse(text, 0)


def test_added_rows_do_not_move_images_between_splits(clcap, error_of, tmp_path) -> None:
    path, out = tmp_path / "t.csv", tmp_path / "c.h5"
    splits = []
    for count in (40, 60):
        path.write_text("image,caption\n" + "".join(f"{id}.jpg,a dog\n" for id in range(count)))
        arguments = ("--split-ratio", "0.5,0.25,0.25", "--min-count", 1, "--out", out)
        assert clcap("prepare-captions", path, *arguments).status == 0
        opened = open_captions(out)
        splits.append(dict(zip(opened.image_ids, opened.splits.tolist(), strict=True)))
    assert splits[0].items() < splits[1].items()
    assert set(splits[0].values()) == {"train", "val", "test"}
    path.write_text("image,caption,split\na.jpg,a dog,train\n")
    assert error_of("prepare-captions", path, "--split-ratio", "0.8,0.1,0.1") == (
        f"{path} gives the split of each image, such as train; pass it without --split-ratio"
    )
