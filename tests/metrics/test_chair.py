"""CHAIR: hallucinated objects of captions, against annotations and references."""

import numpy as np
import pytest

from clcap_cli.errors import ClcapError
from clcap_cli.metrics import chair
from clcap_cli.metrics.multiple_captions import reported_statistics
from clcap_cli.metrics.predictions import Context, image_entries, predictions_from_entries
from clcap_cli.segmentation.registry import open_segmenter
from tests.metrics.builders import predictions, values_of

CAPTIONS = [["a dog with a ball and a dog"], ["a cat on a bike"], ["nothing here"]]
REFERENCES = [["a dog runs"], ["a motorcycle", "two cats"], ["a dog"]]


def test_values_equal_those_worked_by_hand() -> None:
    """Mentions: dog, ball, dog; cat, bicycle or motorcycle; none. Only the ball is not in its image."""
    assert values_of(chair.METRIC, predictions(CAPTIONS, REFERENCES)) == {
        "CHAIR_i": pytest.approx(1 / 5),
        "CHAIR_s": pytest.approx(1 / 3),
        "mentioned_objects": pytest.approx(5 / 3),
    }


def test_captions_have_their_own_values() -> None:
    columns = chair.METRIC.measure(predictions(CAPTIONS, REFERENCES))
    assert columns == {
        "CHAIR_i": [pytest.approx(1 / 3), 0, 0],
        "CHAIR_s": [1, 0, 0],
        "mentioned_objects": [3, 2, 0],
        "hallucinated_objects": [["sports ball"], [], []],
    }
    assert set(columns) == set(chair.METRIC.columns)


def test_annotated_objects_count_as_present() -> None:
    context = Context(objects_name="i.json#1", objects=[frozenset(["sports ball"]), frozenset(), frozenset()])
    assert values_of(chair.METRIC, predictions(CAPTIONS, REFERENCES, context))["CHAIR_i"] == 0
    signature = chair.METRIC.signature(predictions(CAPTIONS, REFERENCES, context))
    assert signature["objects"] == "i.json#1 and the references"
    assert chair.METRIC.signature(predictions(CAPTIONS, REFERENCES))["objects"] == "the references"


def test_a_reference_that_names_one_of_two_objects_allows_both() -> None:
    texts = predictions([["a motorcycle"], ["a bicycle"], ["a car"]], [["a bike"]] * 3)
    assert chair.METRIC.measure(texts)["CHAIR_s"] == [0, 0, 1]


def test_captions_without_objects_hallucinate_nothing() -> None:
    values = values_of(chair.METRIC, predictions([[""], ["blue"]], REFERENCES[:2]))
    assert values == {"CHAIR_i": 0, "CHAIR_s": 0, "mentioned_objects": 0}


def test_shares_of_resamples_are_ratios_of_sums() -> None:
    texts = predictions(CAPTIONS, REFERENCES)
    scored = texts.with_columns(chair.METRIC.measure(texts))
    weights = np.array([[2, 1, 0], [0, 0, 3], [0, 3, 0]])
    shares = chair.METRIC.statistics(scored)["CHAIR_i"].compute(weights)
    assert shares == pytest.approx([2 / 8, 0, 0])


def test_several_captions_have_a_best_and_a_mean() -> None:
    texts = predictions([["a dog", "a dog and a cat"], ["a bus", "a bus"]], [["a dog"], ["a car"]])
    values = values_of(chair.METRIC, texts)
    assert values["CHAIR_i_best_of_2"] == pytest.approx(1 / 2)
    assert values["CHAIR_i_mean_of_2"] == pytest.approx(3 / 5)
    assert values["CHAIR_s_mean_of_2"] == pytest.approx(3 / 4)
    assert values["mentioned_objects_mean_of_2"] == pytest.approx(5 / 4)


def test_values_are_computed_again_from_a_metrics_file() -> None:
    texts = predictions(CAPTIONS, REFERENCES)
    scored = texts.with_columns(chair.METRIC.measure(texts))
    again = predictions_from_entries(image_entries(scored, {}))
    values = {name: one.value(3) for name, one in reported_statistics(chair.METRIC, again).items()}
    assert values == values_of(chair.METRIC, texts)


def test_other_tokens_than_english_words_are_refused() -> None:
    words, characters = (
        predictions(CAPTIONS, REFERENCES, Context(segmenter=open_segmenter(name))) for name in ("words", "characters")
    )
    assert values_of(chair.METRIC, words)["CHAIR_s"] == pytest.approx(1 / 3)
    with pytest.raises(ClcapError, match="CHAIR reads English words, which --tokenize characters does not give"):
        chair.METRIC.measure(characters)
