"""Distinctiveness by hand-worked examples."""

import pytest

from clcap_cli.metrics.distinctiveness import (
    cider_between,
    frequency_bands,
    novel,
    repeated_bigrams,
    training_texts,
)
from clcap_cli.metrics.figures import distinctiveness_figures, vocabulary_share
from clcap_cli.metrics.resampling import value
from clcap_cli.tokenizers.words import WordTokenizer

SAID = ["a dog runs", "a dog runs", "a red bus", "a bus and a bus"]
PEOPLE = [["a dog is running"], ["the dog runs"], ["a red bus"], ["two buses"]]


def figures() -> dict[str, float]:
    images = [{"tokenised": text, "references": group} for text, group in zip(SAID, PEOPLE, strict=True)]
    return {name: value(figure, 4) for name, figure in distinctiveness_figures(images).items()}


def test_by_hand() -> None:
    found = figures()
    assert found["unique_share"] == 3 / 4
    assert found["vocabulary_used"] == len({"a", "dog", "runs", "red", "bus", "and"})
    assert found["mean_length"] == (3 + 3 + 3 + 5) / 4
    assert found["distinct_1"] == 6 / 14
    assert found["distinct_2"] == 7 / (2 + 2 + 2 + 4)
    assert found["repeated_bigrams"] == pytest.approx((1 / 4) / 4)
    people = {"a", "dog", "is", "running", "the", "runs", "red", "bus", "two", "buses"}
    assert found["vocabulary_share_of_references"] == pytest.approx(
        len({"a", "dog", "runs", "red", "bus"}) / len(people)
    )


def test_repeated_bigrams() -> None:
    assert repeated_bigrams("a dog and a dog") == pytest.approx(1 / 4)
    assert repeated_bigrams("a a a a a") == pytest.approx(3 / 4)
    assert repeated_bigrams("dog") == repeated_bigrams("") == 0


def test_novel_captions_are_no_training_captions() -> None:
    training = training_texts(["A dog runs!", "The cat."])
    assert [novel(text, training) for text in ("a dog runs", "the cat", "a dog")] == [0, 0, 1]


def test_words_by_their_frequency_in_training() -> None:
    vocabulary = WordTokenizer([f"w{rank}" for rank in range(1500)])
    assert frequency_bands("w0 w99 w100 w999 w1000 unheard", vocabulary) == [2, 2, 2]


def test_the_vocabulary_that_is_used() -> None:
    assert value(vocabulary_share(SAID, WordTokenizer(["a", "dog", "cat", "bus"])), 4) == 3 / 4


def test_a_caption_that_suits_similar_images_has_a_high_cider_between() -> None:
    people = [["a red bus on a street"], ["a red bus on a street"], ["two cats on a sofa"], ["an old boat"]]
    similar = [[1], [0], [3], [2]]
    generic, telling = "a red bus on a street", "two cats on a sofa"
    found = cider_between([generic, generic, telling, "an old boat"], people, similar, None)
    assert found[0] > 5
    assert found[2] == pytest.approx(0)
