"""Where many words of a split are unknown, prepare-captions names the --min-count that lowers their share."""

from collections import Counter
from pathlib import Path

import pytest

from clcap_cli.tokenizers.unknown_words import advice, largest_min_count, unknown_share

TRAINING = Counter({"a": 100, "dog": 4, "cat": 2, "zebra": 1})


def test_the_named_value_is_the_largest_that_is_enough() -> None:
    split = Counter({"a": 16, "dog": 2, "cat": 1, "zebra": 1})
    for min_count in (3, 4):
        assert unknown_share(split, TRAINING, min_count) == 0.1
    assert largest_min_count(split, TRAINING) == 4
    assert unknown_share(split, TRAINING, 5) == 0.2
    assert advice("test", split, TRAINING, 5) == (
        "20.0% of the words of split 'test' are unknown (UNK); --min-count 4 lowers this to 10.0%"
    )


def test_words_that_no_training_caption_has_stay_unknown() -> None:
    split = Counter({"a": 7, "zebra": 1, "lion": 2})
    assert advice("val", split, TRAINING, 5) == (
        "30.0% of the words of split 'val' are unknown (UNK); no --min-count lowers this to 10%, "
        "because 20.0% are in no training caption"
    )


@pytest.mark.parametrize("split", [Counter({"a": 9, "zebra": 1}), Counter()])
def test_few_unknown_words_get_no_advice(split: Counter[str]) -> None:
    assert advice("test", split, TRAINING, 5) == ""


def test_the_advice_of_prepare_captions_holds(tmp_path: Path, clcap) -> None:
    captions = ["a dog" if n % 3 else f"a cat{n // 6} runs" for n in range(24)]
    rows = [(f"{n}.jpg", caption, "train" if n < 20 else "test") for n, caption in enumerate(captions)]
    table = tmp_path / "own.csv"
    table.write_text("image,caption,split\n" + "".join(",".join(row) + "\n" for row in rows))
    arguments = ["prepare-captions", table, "--out", tmp_path / "captions.h5"]
    first = clcap(*arguments, "--min-count", 5).err.splitlines()
    assert first[3] == "vocabulary: 3 words that occur at least 5 times in the training captions"
    assert first[4] == "14.9% of the words of split 'train' are unknown (UNK); --min-count 2 lowers this to 2.1%"
    again = clcap(*arguments, "--min-count", 2).err
    assert "(2.1% unknown)" in again and "split 'train' are unknown" not in again
