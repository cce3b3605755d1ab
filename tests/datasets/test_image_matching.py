"""Images of two files are matched by id, and by file name where ids do not match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.datasets.ids import canonical_id
from clcap_cli.datasets.image_matching import describe_ways, match_images
from clcap_cli.errors import ClcapError

FILES = ("a.csv", "b.json")
KEYS = st.sampled_from(["7", "8", "x.jpg", "a/x.jpg", "b/x.jpg", "X.JPG", "7.jpg", "000000000007.jpg"])
SIDES = st.dictionaries(KEYS.map(canonical_id), st.none() | KEYS)


@given(SIDES, SIDES)
def test_matching_is_one_to_one_and_symmetric(left: dict, right: dict) -> None:
    try:
        matching = match_images(left, right, FILES)
    except ClcapError:
        with pytest.raises(ClcapError):
            match_images(right, left, FILES)
        return
    assert len(set(matching.pairs.values())) == len(matching.pairs)
    assert matching.ways.keys() == matching.pairs.keys()
    assert match_images(right, left, FILES).pairs == {other: own for own, other in matching.pairs.items()}


@pytest.mark.parametrize(
    ("left", "right", "pairs", "way"),
    [
        ({7: None}, {7: "x.jpg"}, {7: 7}, "id"),
        ({"photos/x.jpg": None}, {7: "x.jpg"}, {"photos/x.jpg": 7}, "file name without folder"),
        ({1: "x.jpg"}, {"x.jpg": None}, {1: "x.jpg"}, "file name"),
        ({1: "x.jpg"}, {7: "a/x.jpg"}, {1: 7}, "file name without folder"),
        ({"x": None}, {"X.jpg": "X.jpg"}, {"x": "X.jpg"}, "file name without suffix, ignoring case"),
        ({"COCO_test2014_000000000001.jpg": None}, {1: None}, {"COCO_test2014_000000000001.jpg": 1}, "COCO"),
        ({"000000000042.jpg": None}, {5: "val2014/COCO_val2014_000000000042.jpg"}, {"000000000042.jpg": 5}, "COCO"),
    ],
)
def test_ids_and_file_names_meet(left: dict, right: dict, pairs: dict, way: str) -> None:
    matching = match_images(left, right, FILES)
    assert matching.pairs == pairs
    assert way in next(iter(matching.ways.values()))


def test_numbers_are_not_file_names_where_ids_match() -> None:
    left, right = {7: None, 8: None}, {7: "a.jpg", 9: "8.jpg"}
    assert match_images(left, right, FILES).pairs == {7: 7}


def test_contradicting_ids_and_names_are_refused() -> None:
    with pytest.raises(ClcapError) as error:
        match_images({1: "a.jpg", 2: "b.jpg"}, {1: "x/b.jpg", 2: "x/a.jpg"}, FILES)
    assert str(error.value) == (
        "image 1 is a.jpg in a.csv and x/b.jpg in b.json; give both files the same ids, or remove the ids from one of "
        "them so that images match by file name"
    )
    assert match_images({1: "http://a.org/1"}, {1: "x.jpg"}, FILES).pairs == {1: 1}


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (["x.jpg"], ["a/x.jpg", "b/x.jpg"], "the image x.jpg of a.csv could be a/x.jpg or b/x.jpg of b.json"),
        (["a/x.jpg", "b/x.jpg"], ["x.jpg"], "the images a/x.jpg, b/x.jpg of a.csv could both be x.jpg of b.json"),
    ],
)
def test_an_ambiguous_name_is_refused(left: list, right: list, message: str) -> None:
    with pytest.raises(ClcapError) as error:
        match_images(dict.fromkeys(left), dict.fromkeys(right), FILES)
    assert str(error.value) == f"{message}; write more of their paths, or use ids"


def test_ways_are_counted_in_one_phrase() -> None:
    assert describe_ways({"id": 1, "file name": 2000}) == "1 image by id, 2,000 images by file name"


def test_file_names_match_beside_numbers_that_match() -> None:
    left, right = {7: None, "photos/x.jpg": None}, {7: None, "x.jpg": None}
    assert match_images(left, right, FILES).pairs == {7: 7, "photos/x.jpg": "x.jpg"}
    assert match_images({7: None, "x.jpg": None}, {7: "x.jpg", 8: None}, FILES).pairs == {7: 7}
