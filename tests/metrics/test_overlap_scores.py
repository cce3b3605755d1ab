"""BLEU's counts and ROUGE-L equal pycocoevalcap's to the last bit, whatever the texts."""

import numpy as np
import pytest
from pycocoevalcap.bleu.bleu_scorer import cook_refs, cook_test
from pycocoevalcap.rouge.rouge import Rouge

from clcap_cli.metrics import bleu
from clcap_cli.metrics.rouge_l import rouge_l

DRAW = np.random.default_rng(0)


def text() -> str:
    """Up to 11 words out of three, so that n-grams repeat; sometimes none."""
    return " ".join(DRAW.choice(["a", "dog", "runs"], DRAW.integers(0, 12)))


CAPTIONS = [text() for _ in range(200)]
REFERENCES = [[text() for _ in range(DRAW.integers(1, 6))] for _ in CAPTIONS]


@pytest.mark.parametrize("order", [1, 4, 9])
def test_bleu_counts_are_those_of_pycocoevalcap(order: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bleu, "CAPTIONS_PER_BLOCK", 70)
    pairs = zip(CAPTIONS, REFERENCES, strict=True)
    expected = [cook_test(one, cook_refs(group, n=order), eff="closest", n=order) for one, group in pairs]
    rows = [[found["testlen"], found["reflen"], *found["guess"], *found["correct"]] for found in expected]
    assert np.array_equal(bleu.bleu_counts(CAPTIONS, REFERENCES, order), rows)


def test_rouge_l_is_that_of_pycocoevalcap() -> None:
    for caption, references in zip(CAPTIONS, REFERENCES, strict=True):
        assert rouge_l(caption, references) == Rouge().calc_score([caption], references)
