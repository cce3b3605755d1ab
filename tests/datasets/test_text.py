import pytest

from clcap_cli.datasets.text import split_words


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A man's dog.", ["a", "mans", "dog"]),
        ("black-and-white, T-shirt!", ["black", "and", "white", "t", "shirt"]),
        ("  two\nlines\t ", ["two", "lines"]),
        ("“café” no_1 — 日本", ["café", "no", "1", "日本"]),
        ("...", []),
        ("", []),
    ],
)
def test_words(caption: str, words: list[str]) -> None:
    assert split_words(caption) == words
