"""File names of two sides are matched where one image of each side has the name."""

from unicodedata import normalize

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clcap_cli.datasets.file_names import coco_number, match_names, normal_path

PARTS = st.sampled_from(["a", "b", "A", "ü", "u\u0308", "x.jpg", "X.JPG", "x.png", "000000000042.jpg"])
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
SIDES = st.dictionaries(st.integers(0, 9), NAMES | st.sampled_from(["42", "COCO_val2014_000000000042.jpg"]))


def matched(left: list[str], right: list[str]) -> dict[str, str]:
    return match_names({name: name for name in left}, {name: name for name in right}).pairs


@given(SIDES, SIDES)
def test_matching_is_symmetric_and_one_to_one(left: dict[int, str], right: dict[int, str]) -> None:
    matching = match_names(left, right)
    assert len(set(matching.pairs.values())) == len(matching.pairs)
    back = match_names(right, left)
    assert back.pairs == {other: one for one, other in matching.pairs.items()}
    assert back.ways == matching.ways
    assert not {*matching.ambiguous} & {*matching.pairs}


@given(st.sets(NAMES.map(normal_path), max_size=9))
def test_all_names_are_found_below_another_folder(names: set[str]) -> None:
    assume(not any(one.endswith(f"/{other}") for one in names for other in names))
    for prefix in ("photos/", "/data/coco/", "C:\\data\\", "./"):
        assert matched([*names], [prefix + name for name in names]) == {name: prefix + name for name in names}


@given(st.sets(NAMES.map(normal_path), max_size=9))
def test_other_spellings_of_all_names_are_matched(names: set[str]) -> None:
    for change in (lambda name: normalize("NFD", name), lambda name: name.replace("/", "\\")):
        assert matched([*names], [change(name) for name in names]) == {name: change(name) for name in names}


@pytest.mark.parametrize(
    ("left", "right", "way"),
    [
        ("x.jpg", "x.jpg", "file name"),
        ("./x.jpg", "x.jpg", "file name"),
        ("a\\x.jpg", "a/x.jpg", "file name"),
        ("pe\u0302che.jpg", "p\u00eache.jpg", "file name"),
        ("photos/x.jpg", "x.jpg", "file name without folder"),
        ("/data/x.jpg", "images/x.jpg", "file name without folder"),
        ("C:\\data\\x.jpg", "x.jpg", "file name without folder"),
        ("x.JPG", "X.jpg", "file name, ignoring case"),
        ("Photos/x.jpg", "photos/x.jpg", "file name, ignoring case"),
        ("photos/X.jpg", "x.jpg", "file name without folder, ignoring case"),
        ("x", "x.jpg", "file name without suffix"),
        ("photos/x.png", "x.jpg", "file name without folder and suffix"),
        ("7", "7.jpg", "file name without suffix"),
        ("COCO_test2014_000000000001.jpg", "000000000001.jpg", "number in COCO's file name"),
        ("val2014/COCO_val2014_000000000042.jpg", "42", "number in COCO's file name"),
    ],
)
def test_the_way_of_a_match_is_described(left: str, right: str, way: str) -> None:
    assert match_names({1: left}, {2: right}).ways == {way: 1}


def test_a_name_of_two_images_matches_neither() -> None:
    matching = match_names({"p": "x.jpg"}, {1: "a/x.jpg", 2: "b/x.jpg"})
    assert not matching.pairs
    assert matching.ambiguous == {"p": (["p"], [1, 2])}
    assert match_names({1: "a/x.jpg", 2: "b/x.jpg"}, {"p": "x.jpg"}).ambiguous == {
        1: ([1, 2], ["p"]),
        2: ([1, 2], ["p"]),
    }


def test_folders_tell_images_of_one_name_apart() -> None:
    right = ["train/1.jpg", "val/1.jpg", "test/1.jpg"]
    assert matched(["/photos/test/1.jpg"], right) == {"/photos/test/1.jpg": "test/1.jpg"}
    assert matched(["a/x.jpg", "b/x.jpg"], ["a/x.jpg", "x.jpg"]) == {"a/x.jpg": "a/x.jpg"}


def test_images_in_two_folders_of_one_side_are_different() -> None:
    right = ["train/1.jpg", "test/2.jpg"]
    assert matched(["photos/test/1.jpg"], right) == {}
    assert matched(right, ["photos/test/1.jpg"]) == {}
    assert matched(["photos/1.jpg"], right) == {"photos/1.jpg": "train/1.jpg"}


def test_only_numbers_of_coco_are_ids() -> None:
    names = ["COCO_val2014_000000000042.jpg", "a/000000000042.jpg", "42", "42.jpg", "x_000000000042.jpg", "0042"]
    assert [coco_number(name) for name in names] == [42, 42, 42, None, None, None]
