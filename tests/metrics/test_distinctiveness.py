"""Metrics of distinctiveness against examples worked by hand."""

import numpy as np
import pytest

from clcap_cli.metrics import cider_between, novelty
from clcap_cli.metrics.multiple_captions import reported_statistics
from clcap_cli.metrics.predictions import Context, Predictions, TrainingCaptions
from clcap_cli.metrics.registry import all_metrics
from clcap_cli.metrics.repetition import repeated_bigrams
from clcap_cli.metrics.word_frequency import frequency_bands
from clcap_cli.tokenizers.words import WordTokenizer

CAPTIONS = ["a dog runs", "a dog runs", "a red bus", "a bus and a bus"]
REFERENCES = [["a dog is running"], ["the dog runs"], ["a red bus"], ["two buses"]]


def predictions(captions: list[str], references: list[list[str]], context: Context = Context()) -> Predictions:
    counts = np.ones(len(captions), dtype=int)
    return Predictions(list(range(len(captions))), captions, captions, references, counts, context=context)


def values(context: Context = Context()) -> dict[str, float]:
    given = predictions(CAPTIONS, REFERENCES, context)
    measured = [reported_statistics(metric, given) for metric in all_metrics()]
    return {name: statistic.value(4) for statistics in measured for name, statistic in statistics.items()}


def test_metrics_equal_values_worked_by_hand() -> None:
    actual = values()
    assert actual["unique_share"] == 3 / 4
    assert actual["vocabulary_used"] == len({"a", "dog", "runs", "red", "bus", "and"})
    assert actual["mean_length"] == (3 + 3 + 3 + 5) / 4
    assert actual["distinct_1"] == 6 / 14
    assert actual["distinct_2"] == 7 / (2 + 2 + 2 + 4)
    assert actual["repeated_bigrams"] == pytest.approx((1 / 4) / 4)
    references = {"a", "dog", "is", "running", "the", "runs", "red", "bus", "two", "buses"}
    assert actual["vocabulary_share_of_references"] == pytest.approx(
        len({"a", "dog", "runs", "red", "bus"}) / len(references)
    )


def test_repeated_bigrams_are_counted() -> None:
    assert repeated_bigrams("a dog and a dog") == pytest.approx(1 / 4)
    assert repeated_bigrams("a a a a a") == pytest.approx(3 / 4)
    assert repeated_bigrams("dog") == repeated_bigrams("") == 0


def test_novel_captions_are_not_training_captions() -> None:
    training = TrainingCaptions(["A dog runs!", "The cat."], WordTokenizer([]))
    given = predictions(["a dog runs", "the cat", "a dog"], [["a"]] * 3, Context(training=training))
    assert novelty.METRIC.measure(given) == {"novel": [0, 0, 1]}


def test_words_are_grouped_by_their_training_frequency() -> None:
    vocabulary = WordTokenizer([f"w{rank}" for rank in range(1500)])
    assert frequency_bands("w0 w99 w100 w999 w1000 unheard", vocabulary) == [2, 2, 2]


def test_the_used_share_of_the_vocabulary() -> None:
    training = TrainingCaptions([], WordTokenizer(["a", "dog", "cat", "bus"]))
    assert values(Context(training=training))["vocabulary_share_of_training"] == 3 / 4
    assert "vocabulary_share_of_training" not in values()


def test_a_generic_caption_has_a_high_ciderbtw() -> None:
    references = [["a red bus on a street"], ["a red bus on a street"], ["two cats on a sofa"], ["an old boat"]]
    generic, distinctive = "a red bus on a street", "two cats on a sofa"
    context = Context(similar_images=[[1], [0], [3], [2]])
    given = predictions([generic, generic, distinctive, "an old boat"], references, context)
    assert cider_between.METRIC.measure is not None
    actual = cider_between.METRIC.measure(given)["CIDErBtw"]
    assert actual[0] > 5
    assert actual[2] == pytest.approx(0)
