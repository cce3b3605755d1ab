"""BLEU with other orders and smoothing methods, and what the default gives short captions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.metrics import bleu
from clcap_cli.metrics.bleu_settings import BleuSettings
from clcap_cli.metrics.bleu_smoothing import bleu_of
from clcap_cli.metrics.predictions import Context
from tests.metrics.builders import predictions, values_of

SENTENCES = {
    "long": ("a black dog runs through the grass", ["a dog is running through the grass", "the dog runs"]),
    "no 4-gram": ("a man rides a horse", ["the man is riding a horse on the beach", "a man on a horse"]),
    "short": ("a dog", ["the small dog sleeps", "a cat"]),
    "no match": ("two cats sleep on it", ["a red bus"]),
}
# sacrebleu 2.6.0: BLEU(smooth_method=..., tokenize="none", effective_order=True).sentence_score(...).score / 100
SACREBLEU = {
    "none": (0.0, 0.0, 0.0, 0.0),
    "floor": (0.21515344521672802, 0.1606856837889303, 0.31622776601683805, 0.0),
    "add-k": (0.4250900852537616, 0.44721359549995787, 0.8408964152537145, 0.0),
    "exp": (0.32172944208038085, 0.30213753973567675, 0.7071067811865478, 0.0),
}
# sacrebleu 2.6.0: BLEU(smooth_method=..., tokenize="none").corpus_score(...) of the first three sentences
SACREBLEU_CORPUS = {
    "none": 0.0,
    "floor": 0.16879023702486315,
    "add-k": 0.34152945510447685,
    "exp": 0.25240027521717007,
}
TEXTS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=6).map(" ".join)
CAPTIONS, REFERENCES = zip(*SENTENCES.values(), strict=True)


def bleu_context(order: int, smoothing: str) -> Context:
    return Context(bleu=BleuSettings(order, smoothing))  # type: ignore[arg-type]


@pytest.mark.parametrize("smoothing", SACREBLEU)
def test_smoothing_equals_that_of_sacrebleu(smoothing: str) -> None:
    values = bleu_of(bleu.bleu_counts(CAPTIONS, REFERENCES, 4), smoothing)
    assert values[:, 3] == pytest.approx(SACREBLEU[smoothing], abs=1e-12)


@pytest.mark.parametrize("smoothing", SACREBLEU_CORPUS)
def test_smoothing_of_a_corpus_equals_that_of_sacrebleu(smoothing: str) -> None:
    texts = predictions([[text] for text in CAPTIONS[:3]], REFERENCES[:3], bleu_context(4, smoothing))
    assert values_of(bleu.METRIC, texts)["BLEU-4"] == pytest.approx(SACREBLEU_CORPUS[smoothing], abs=1e-12)


def test_orders_equal_those_of_sacrebleu() -> None:
    """sacrebleu 2.6.0 with max_ngram_order 1, 2 and 6."""
    values = bleu_of(bleu.bleu_counts(CAPTIONS[:1], REFERENCES[:1], 6), "exp")[0]
    published = [0.857142857142857, 0.6546536707079773, 0.19548360184836472]
    assert values[[0, 1, 5]].tolist() == pytest.approx(published, abs=1e-12)


@given(st.lists(st.tuples(TEXTS, st.lists(TEXTS, min_size=1, max_size=3)), min_size=1, max_size=4))
def test_lower_orders_do_not_depend_on_the_highest(corpus: list[tuple[str, list[str]]]) -> None:
    captions, references = [list(part) for part in zip(*corpus, strict=True)]
    for smoothing in ("coco", *SACREBLEU):
        short, long = (bleu_of(bleu.bleu_counts(captions, references, order), smoothing) for order in (2, 5))
        np.testing.assert_array_equal(short, long[:, :2])
        assert ((long >= 0) & (long <= 1)).all()


def test_the_order_sets_the_reported_values() -> None:
    each = [[text] for text in CAPTIONS]
    assert list(values_of(bleu.METRIC, predictions(each, REFERENCES, bleu_context(2, "coco")))) == ["BLEU-1", "BLEU-2"]
    several = predictions([["a dog", "a cat"]], [["a dog"]], bleu_context(6, "exp"))
    assert values_of(bleu.METRIC, several)["BLEU-6_best_of_2"] == 1.0


def test_short_captions_have_almost_no_bleu_by_default() -> None:
    """pycocoevalcap's epsilons: an order without n-grams counts as a precision of 1e-15 / 1e-9."""
    reference = [["a dog runs on the grass"]]
    one, two = (bleu_of(bleu.bleu_counts([text], reference, 4))[0] for text in ("dog", "a dog"))
    penalty = math.exp(1 - 6 / 2)
    assert two == pytest.approx([penalty, penalty, penalty * 1e-6 ** (1 / 3), penalty * 1e-12 ** (1 / 4)], rel=1e-6)
    assert one[3] == pytest.approx(math.exp(1 - 6) * 1e-18 ** (1 / 4), rel=1e-6)
    assert bleu_of(bleu.bleu_counts([""], reference, 4)).max() == 0
