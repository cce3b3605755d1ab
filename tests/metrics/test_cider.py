"""CIDEr-D equals pycocoevalcap's CIDEr, also with other document frequencies and for some of the images of a file."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.metrics import cider
from clcap_cli.metrics.bleu import bleu_counts
from clcap_cli.metrics.bleu_smoothing import bleu_of
from clcap_cli.metrics.cider import METRIC, TfIdf, cider_scores
from clcap_cli.metrics.predictions import image_entries, predictions_from_entries
from tests.metrics.builders import predictions

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=7).map(" ".join)
CORPORA = st.lists(st.tuples(TEXTS, st.lists(TEXTS, min_size=1, max_size=3)), min_size=1, max_size=6)


def pycocoevalcap_cider(captions: list[str], references: list[list[str]]) -> tuple[float, np.ndarray]:
    from pycocoevalcap.cider.cider import Cider

    return Cider().compute_score(dict(enumerate(references)), {at: [text] for at, text in enumerate(captions)})


@given(CORPORA.filter(lambda corpus: any(text for _, group in corpus for text in group)))
def test_cider_equals_pycocoevalcap(corpus: list[tuple[str, list[str]]]) -> None:
    captions, references = [list(part) for part in zip(*corpus, strict=True)]
    overall, each = pycocoevalcap_cider(captions, references)
    scores = cider_scores(captions, references)
    assert scores == pytest.approx(each, abs=1e-12)
    assert scores.mean() == pytest.approx(overall, abs=1e-12)


def test_blocks_of_captions_score_like_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    texts = [" ".join(draw.choice(list("abcde"), draw.integers(0, 8))) for _ in range(60)]
    captions, groups = texts[:20], [texts[20 + n : 21 + 2 * n] for n in range(20)]
    whole = cider_scores(captions, groups)
    monkeypatch.setattr(cider, "CAPTIONS_PER_BLOCK", 3)
    assert np.array_equal(cider_scores(captions, groups), whole)


@given(CORPORA.filter(lambda corpus: all(text for _, group in corpus for text in group)), st.randoms())
def test_bleu_of_a_resample_is_that_of_its_corpus(corpus: list, random) -> None:
    from pycocoevalcap.bleu.bleu import Bleu

    captions, references = [list(part) for part in zip(*corpus, strict=True)]
    resample = [random.randrange(len(corpus)) for _ in corpus]
    weights = np.bincount(resample, minlength=len(corpus))[None]
    repeated = [captions[at] for at in resample], [references[at] for at in resample]
    people, result = dict(enumerate(repeated[1])), {at: [text] for at, text in enumerate(repeated[0])}
    overall, _ = Bleu(4).compute_score(people, result, verbose=0)
    assert bleu_of(weights @ bleu_counts(captions, references, 4))[0] == pytest.approx(overall, abs=1e-12)


def test_document_frequencies_are_those_of_the_given_images() -> None:
    """Fewer images than a file has get frequencies of their own, as compare needs; resamples keep them."""
    captions, references = ["a red bus", "a dog", "the cat"], [["a red bus"], ["the dog"], ["a cat"]]
    scored = predictions([[text] for text in captions], references)
    scored = scored.with_columns(METRIC.measure(scored))
    for rows in ([0, 1, 2], [0, 1]):
        entries = [image_entries(scored, {})[row] for row in rows]
        statistic = METRIC.statistics(predictions_from_entries(entries))["CIDEr"]
        each = cider_scores([captions[row] for row in rows], [references[row] for row in rows])
        assert statistic.value(len(rows)) == pytest.approx(each.mean(), abs=1e-12)
        weights = np.eye(len(rows))
        assert statistic.compute(weights) == pytest.approx(each, abs=1e-12)


def test_document_frequencies_of_another_corpus_can_be_used() -> None:
    captions, references = ["a red bus", "a dog"], [["a red bus"], ["the dog"]]
    own = cider_scores(captions, references)
    assert TfIdf(captions, references, references).cider_d([[0], [1]]) == pytest.approx(own, abs=1e-12)
    corpus = [["a red bus"], ["a red car"], ["a red dog"], ["the cat"]]
    assert TfIdf(captions, references, corpus).cider_d([[0], [1]]) != pytest.approx(own)
    everywhere = [["a red bus"]] * 3
    assert TfIdf(["a red bus"], [["a red bus"]], everywhere).cider_d([[0]]) == pytest.approx([0])


def test_cider_against_references_of_other_images() -> None:
    captions, references = ["a red bus", "a dog", "the cat sat"], [["a red bus"], ["a dog"], ["the cat sat down"]]
    crossed = TfIdf(captions, references).cider_d([[0], [0], [1, 2]])
    own = cider_scores(captions, references)
    assert crossed[0] == pytest.approx(own[0])
    assert crossed[1] < own[1]
    assert crossed[2] == pytest.approx(own[2] / 2)
