"""A cell of captions has the same meaning in every kind of table."""

import io
import time

import numpy as np
import pandas as pd
import pytest

from clcap_cli.datasets.cells import parse_captions

TWO = ["a dog", 'the dog\'s "bone"']


@pytest.mark.parametrize(
    "cell",
    [
        TWO,
        r'["a dog", "the dog\u0027s \"bone\""]',
        r"""['a dog', 'the dog\'s "bone"']""",
        r"""['a dog' 'the dog\'s "bone"']""",
        "['a dog'\n 'the dog\\'s \"bone\"']",
        "  ['a dog' , 'the dog\\'s \"bone\"', ] ",
    ],
)
def test_a_list_is_several_captions_in_any_notation(cell: object) -> None:
    assert parse_captions(cell) == TWO


@pytest.mark.parametrize("kind", [list, np.array])
def test_lists_that_pandas_wrote_to_csv_are_read(kind) -> None:
    lists = [kind([f'{"long " * number}caption {number}, the dog\'s\n"\\bone" 😀' for number in range(9)])]
    csv = pd.DataFrame({"caption": lists}).to_csv(index=False)
    (cell,) = pd.read_csv(io.StringIO(csv)).caption
    assert parse_captions(cell) == list(lists[0])


@pytest.mark.parametrize(
    "text",
    [
        "a dog",
        "[UNK] a dog",
        "[laughs]",
        "[laughs] [claps]",
        "[[File:dog.jpg]]",
        '["stop" sign]',
        '["a dog"',
        "['a' 'b', 'c']",
        "",
    ],
)
def test_other_brackets_are_text(text: str) -> None:
    assert parse_captions(text) == [text]


def test_objects_with_a_text_are_captions() -> None:
    assert parse_captions({"raw": "a dog"}) == ["a dog"]
    assert parse_captions([{"caption": "a dog", "id": 1}, {"tokens": ["a", "cat"]}]) == ["a dog", "a cat"]


def test_one_text_in_brackets_is_a_list_of_one_caption() -> None:
    assert parse_captions("['a dog']") == parse_captions(["a dog"]) == ["a dog"]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (None, "it is empty"),
        (5, "a number is not a caption"),
        (True, "a boolean is not a caption"),
        ({"file": "a dog"}, "an object is not a caption"),
        (b"a dog", "binary data is not a caption"),
        ([], "an empty list is not a caption"),
        ("[]", "an empty list is not a caption"),
        (["a dog", 5], "it contains a number among its captions"),
        (["a dog", None], "it contains null among its captions"),
        (["a dog", ["a cat"]], "it contains a list among its captions"),
        ("['a dog', 5]", "it contains 5 among its captions"),
        ("['a dog', nan]", "it contains nan among its captions"),
        ('["a dog", null]', "it contains null among its captions"),
        ("[['a dog'], ['a cat']]", "it contains ['a dog'], ['a cat'] among its captions"),
        ("[{'file': 'a dog'}]", "it contains an object among its captions"),
        ("{'file': 'a dog'}", "an object is not a caption"),
    ],
)
def test_cells_without_a_caption_are_reported(cell: object, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_captions(cell)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    "cell",
    [
        "[" * 200_000,
        "['" * 100_000,
        "['a' " * 50_000,
        "['a'" + " " * 200_000 + "x",
        "[" + "1" * 200_000 + "x]",
        "{" * 200_000 + "}",
        "{" + "1+" * 100_000 + "}",
    ],
)
def test_the_worst_case_text_is_read_in_linear_time(cell: str) -> None:
    started = time.monotonic()
    assert parse_captions(cell) == [cell]
    assert time.monotonic() - started < 1
