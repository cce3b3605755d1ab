"""Several captions per image: their best and mean values, and their diversity."""

import numpy as np
import pytest

from clcap_cli.metrics import bleu, cider, cider_between, div, mbleu, rouge_l, spider
from clcap_cli.metrics.multiple_captions import find_info, reported_statistics, values_by_image
from clcap_cli.metrics.predictions import Context, image_entries, predictions_from_entries
from tests.metrics.builders import predictions, values_of

CAPTIONS = [["a dog runs", "a cat sits on a mat"], ["two cats", "a red bus on the street"], ["one boat", "one boat"]]
REFERENCES = [["a dog runs fast", "the dog"], ["a red bus on a street"], ["an old boat on a lake"]]


def captions_at(at: int) -> list[list[str]]:
    """One caption per image: the one at ``position`` of each image."""
    return [[own[at]] for own in CAPTIONS]


@pytest.mark.parametrize("metric", [rouge_l.METRIC, cider.METRIC])
def test_the_mean_is_over_positions_scored_alone(metric) -> None:
    each = [values_of(metric, predictions(captions_at(at), REFERENCES))[metric.name] for at in (0, 1)]
    values = values_of(metric, predictions(CAPTIONS, REFERENCES))
    assert set(values) == {f"{metric.name}_best_of_2", f"{metric.name}_mean_of_2"}
    assert values[f"{metric.name}_mean_of_2"] == pytest.approx(np.mean(each), abs=1e-12)


@pytest.mark.parametrize("metric", [rouge_l.METRIC, cider.METRIC, bleu.METRIC])
def test_the_best_caption_is_chosen_by_the_metric_itself(metric) -> None:
    texts = predictions(CAPTIONS, REFERENCES)
    values, each = values_of(metric, texts), metric.measure(texts)
    for name in each:
        pairs = np.array(each[name]).reshape(3, 2)
        chosen = [[own[at]] for own, at in zip(CAPTIONS, pairs.argmax(1), strict=True)]
        assert values[f"{name}_best_of_2"] == values_of(metric, predictions(chosen, REFERENCES))[name]


def test_bleu_of_all_captions_sums_their_counts() -> None:
    values = values_of(bleu.METRIC, predictions(CAPTIONS, REFERENCES))
    flat = [[text] for own in CAPTIONS for text in own]
    repeated = [group for group in REFERENCES for _ in (0, 1)]
    together = values_of(bleu.METRIC, predictions(flat, repeated))
    for name in (f"BLEU-{n}" for n in (1, 2, 3, 4)):
        assert values[f"{name}_mean_of_2"] == pytest.approx(together[name], rel=1e-6)


def test_the_best_ciderbtw_is_the_lowest() -> None:
    texts = predictions(CAPTIONS, REFERENCES, Context(similar_images=[[1], [0], [0]]))
    values = values_of(cider_between.METRIC, texts)
    assert values["CIDErBtw_best_of_2"] < values["CIDErBtw_mean_of_2"]


def test_the_number_of_captions_may_differ_by_image() -> None:
    texts = predictions([["a dog runs"], ["two cats", "a red bus", "a bus"]], REFERENCES[:2])
    values = values_of(rouge_l.METRIC, texts)
    each = rouge_l.METRIC.measure(texts)["ROUGE_L"]
    assert values["ROUGE_L_best_of_1-3"] == pytest.approx((each[0] + max(each[1:])) / 2)
    assert values["ROUGE_L_mean_of_1-3"] == pytest.approx((each[0] + np.mean(each[1:])) / 2)


def test_images_have_the_best_and_mean_of_their_captions() -> None:
    texts = predictions(CAPTIONS, REFERENCES)
    scored = texts.with_columns(rouge_l.METRIC.measure(texts))
    pairs = scored.column("ROUGE_L").reshape(3, 2)
    values = values_by_image(rouge_l.METRIC, scored)
    assert values == {"ROUGE_L_best_of_2": pairs.max(1).tolist(), "ROUGE_L_mean_of_2": pairs.mean(1).tolist()}
    assert values_by_image(rouge_l.METRIC, scored.select(np.array([0, 2, 4]))) == {}


def test_entries_of_a_file_give_the_same_predictions() -> None:
    for captions in (CAPTIONS, captions_at(0)):
        texts = predictions(captions, REFERENCES)
        scored = texts.with_columns({**bleu.METRIC.measure(texts), **cider.METRIC.measure(texts)})
        entries = image_entries(scored, values_by_image(cider.METRIC, scored))
        again = predictions_from_entries(entries)
        assert (again.captions, again.references, again.columns) == (scored.captions, REFERENCES, scored.columns)
        for metric in (bleu.METRIC, cider.METRIC):
            expected = {name: one.value(3) for name, one in reported_statistics(metric, scored).items()}
            assert {name: one.value(3) for name, one in reported_statistics(metric, again).items()} == expected


def test_diversity_equals_values_worked_by_hand() -> None:
    texts = predictions([["a dog runs", "a dog sits"], ["a bus", "a bus"]], REFERENCES[:2])
    values = values_of(div.METRIC, texts)
    assert values["div_1"] == pytest.approx((4 / 6 + 2 / 4) / 2)
    assert values["div_2"] == pytest.approx((3 / 6 + 1 / 4) / 2)
    assert values_of(div.METRIC, predictions([["a dog"], ["a bus"]], REFERENCES[:2])) == {}


def test_mbleu_is_bleu_against_the_other_captions() -> None:
    captions = [["a dog runs in the park", "a dog runs in a park", "the dog"], ["a red bus on a road", "a bus"]]
    flat = [text for own in captions for text in own]
    others = [[other for other in own if other is not text] for own in captions for text in own]
    counts = bleu.bleu_counts(flat, others, 4)
    summed = counts[:3].mean(0) + counts[3:].mean(0)
    values = values_of(mbleu.METRIC, predictions(captions, REFERENCES[:2]))
    assert values == {"mBLEU-4": pytest.approx(bleu.bleu_of(summed)[3], rel=1e-6)}
    same = values_of(mbleu.METRIC, predictions([["a dog runs in the park"] * 3] * 2, REFERENCES[:2]))
    assert same["mBLEU-4"] == pytest.approx(1)
    assert values["mBLEU-4"] < 1


def test_spider_is_the_mean_of_cider_and_spice() -> None:
    texts = predictions(captions_at(1), REFERENCES, SPICE=[0.1, 0.5, 0.3])
    scored = texts.with_columns(cider.METRIC.measure(texts))
    by_image = spider.METRIC.measure(scored)["SPIDEr"]
    assert by_image == pytest.approx(((scored.column("CIDEr") + scored.column("SPICE")) / 2).tolist())
    values = values_of(spider.METRIC, scored)["SPIDEr"]
    assert values == pytest.approx((values_of(cider.METRIC, scored)["CIDEr"] + 0.3) / 2)


def test_every_value_of_several_captions_is_explained() -> None:
    texts = predictions(CAPTIONS, REFERENCES)
    for metric in (bleu.METRIC, rouge_l.METRIC, cider.METRIC, div.METRIC, mbleu.METRIC):
        for name in values_of(metric, texts):
            info = find_info(metric, name)
            assert info is not None and info.name == name and info.meaning
    info = find_info(cider.METRIC, "CIDEr_best_of_2")
    assert info is not None
    assert info.meaning.endswith("Best of an image's 2 captions by this metric.")


def test_the_mean_of_a_primary_metric_is_primary() -> None:
    names = ("CIDEr", "CIDEr_mean_of_5", "CIDEr_best_of_5")
    infos = [info for name in names if (info := find_info(cider.METRIC, name))]
    assert [info.primary for info in infos] == [True, True, False]
