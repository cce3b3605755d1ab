"""Ids are compared by their text, whatever type a file gives them."""

import datetime
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.datasets.ids import WrongIdError, canonical_id, parse_ids

IDS = st.integers(-(2**70), 2**70) | st.text() | st.sampled_from(["7", "007", "-0", "+7", "7.0", "1e3", "\u0667"])


@given(IDS, IDS)
def test_ids_are_the_same_if_their_texts_are(one: int | str, other: int | str) -> None:
    texts = [normalize("NFC", str(id).strip()) for id in (one, other)]
    assert (canonical_id(one) == canonical_id(other)) == (texts[0] == texts[1])


@given(IDS)
def test_the_form_of_an_id_is_the_same_when_read_again(id: int | str) -> None:
    assert canonical_id(canonical_id(id)) == canonical_id(id)
    assert str(canonical_id(id)) == normalize("NFC", str(id).strip())
    assert isinstance(canonical_id(id), str) or -(2**63) <= canonical_id(id) < 2**63


@pytest.mark.parametrize(
    ("cells", "ids"),
    [
        ([7, "7", "a"], [7, 7, "a"]),
        (["007", " 7 "], ["007", 7]),
        ([7.0, 8.0], [7, 8]),
        (["7.0", "8", "9.000"], [7, 8, 9]),
        ([2**63, "9223372036854775808"], ["9223372036854775808"] * 2),
        (["pe\u0302che"], ["p\u00eache"]),
    ],
)
def test_columns_of_any_type_give_the_same_ids(cells: list, ids: list) -> None:
    assert parse_ids(cells) == ids
    assert parse_ids(ids) == ids


@pytest.mark.parametrize(
    ("cells", "index", "reason"),
    [
        ([7.0, 7.5], 1, "the number 7.5 is not an id; give an integer or a string"),
        (["7.0", "7.5"], 1, "the number 7.5 is not an id; give an integer or a string"),
        (["a", "7.0"], 1, "7.0 is a decimal number beside ids that are text; write whole numbers"),
        ([1, None], 1, "it is empty"),
        ([1, float("nan")], 1, "it is empty"),
        ([1, float("inf")], 1, "the number inf is not an id; give an integer or a string"),
        ([True], 0, "a boolean is not an id; give an integer or a string"),
        ([b"7"], 0, "binary data is not an id; give an integer or a string"),
        ([[7]], 0, "a list is not an id; give an integer or a string"),
        ([datetime.date(2020, 1, 1)], 0, "a date is not an id; give an integer or a string"),
    ],
)
def test_the_first_cell_that_is_no_id_is_refused(cells: list, index: int, reason: str) -> None:
    with pytest.raises(WrongIdError) as error:
        parse_ids(cells)
    assert (error.value.index, str(error.value)) == (index, reason)
