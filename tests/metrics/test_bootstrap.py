"""Intervals have their coverage, p-values detect differences, and both depend only on the seed."""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pytest

from clcap_cli.artifacts.comparisons import MetricDifference
from clcap_cli.evaluation.comparison import compare_settings
from clcap_cli.evaluation.measured_setting import all_statistics, measure_run, measure_setting
from clcap_cli.metrics import cider_between, distinct, rouge_l, self_retrieval, uniqueness, vocabulary
from clcap_cli.metrics.bootstrap import LARGEST_BLOCK, draw_resamples, p_value, values_and_intervals
from clcap_cli.metrics.permutation_test import ImageEntries, sign_flip_p_values
from clcap_cli.metrics.predictions import Context, predictions_from_entries
from clcap_cli.metrics.scale import UNLIMITED
from clcap_cli.metrics.statistic import Statistic, function_of_sums, mean_of, median_of
from tests.metrics.intervals import confidence_interval


def test_the_interval_of_a_mean_is_the_normal_approximation() -> None:
    values = np.random.default_rng(1).normal(3, 2, 400)
    low, high = confidence_interval(mean_of(values), UNLIMITED, draw_resamples(400, 0))
    reach = 1.96 * values.std() / 20
    assert (low, high) == (
        pytest.approx(values.mean() - reach, abs=0.04),
        pytest.approx(values.mean() + reach, abs=0.04),
    )


def test_intervals_have_their_nominal_coverage() -> None:
    rng = np.random.default_rng(2)
    contained = 0
    for seed in range(200):
        metric = mean_of(rng.normal(size=60))
        low, high = confidence_interval(metric, UNLIMITED, draw_resamples(60, seed, 200))
        contained += low <= 0 <= high
    assert 0.88 <= contained / 200 <= 0.99


def test_the_same_seed_draws_the_same_resamples() -> None:
    metrics = {"mean": mean_of(np.arange(30.0))}
    assert values_and_intervals(metrics, draw_resamples(30, 5)) == values_and_intervals(metrics, draw_resamples(30, 5))
    assert values_and_intervals(metrics, draw_resamples(30, 5)) != values_and_intervals(metrics, draw_resamples(30, 6))


def test_blocks_of_resamples_give_the_values_of_all_at_once() -> None:
    images = LARGEST_BLOCK // 700
    values = np.random.default_rng(1).integers(1, 50, images).astype(float)
    resamples = draw_resamples(images, 3, 900)
    weights = np.random.default_rng(3).multinomial(images, np.full(images, 1 / images), 900)
    assert np.array_equal(resamples.weights, weights)
    mean, median, ratio = resamples.evaluate(
        mean_of(values),
        median_of(values),
        function_of_sums(np.stack([values, values**2], 1), lambda s: s[:, 0] / s[:, 1]),
    )
    assert np.allclose(mean, weights @ values / images, rtol=1e-12)
    assert np.allclose(ratio, weights @ values / (weights @ values**2), rtol=1e-12)
    assert np.array_equal(median[:20], [np.median(np.repeat(values, row)) for row in weights[:20]])


def test_more_resamples_begin_with_the_same_ones() -> None:
    assert np.array_equal(draw_resamples(50, 7, 300).weights[:100], draw_resamples(50, 7, 100).weights)


@pytest.mark.parametrize(
    ("metric", "name", "words"),
    [(uniqueness, "unique_share", 2), (distinct, "distinct_1", 8), (distinct, "distinct_2", 8)],
)
def test_the_spread_of_distinct_shares_is_their_true_one(metric, name: str, words: int) -> None:
    """The standard deviation estimated from one sample is near that over many samples from the same world."""
    rng = np.random.default_rng(5)
    chances = 1 / np.arange(1, 1001)
    texts = [" ".join(map(str, rng.choice(1000, words, p=chances / chances.sum()))) for _ in range(2000)]

    def statistic() -> Statistic:
        drawn = [entry(text, text) for text in rng.choice(texts, 200)]
        return metric.METRIC.statistics(predictions_from_entries(drawn))[name]

    values = [statistic().value(200) for _ in range(80)]
    estimated = np.mean([draw_resamples(200, seed, 200).evaluate(statistic())[0].std() for seed in range(5)])
    assert 0.8 < estimated / np.std(values) < 1.25


def test_a_real_difference_is_significant_and_noise_is_not() -> None:
    rng = np.random.default_rng(4)
    resamples = draw_resamples(200, 0)
    first = rng.normal(size=200)
    better, noise = mean_of(first + rng.normal(0.3, 0.5, 200)), mean_of(first + rng.normal(0, 0.5, 200))
    base = mean_of(first)

    def p_of(metric: Statistic) -> float:
        one, other = resamples.evaluate(base, metric)
        return p_value(other - one, 200)

    assert p_of(better) < 0.01
    assert p_of(noise) > 0.05


def test_ranks_give_the_metrics_of_self_retrieval() -> None:
    import torch

    from clcap_cli.retrieval.ranks import Ranks
    from clcap_cli.retrieval.ranks import retrieval_metrics as overall

    ranks = Ranks(torch.tensor([0, 2, 5, 0, 9, 3]), torch.tensor([1, 2, 1, 3, 1, 1]))
    positions = zip(ranks.expected.tolist(), ranks.tied.tolist(), strict=True)
    images = [entry("a dog", "a dog", rank=rank, tied=tied) for rank, tied in positions]
    for name, metric in self_retrieval.METRIC.statistics(predictions_from_entries(images)).items():
        assert metric.value(6) == pytest.approx(overall(ranks, 6)[name]), name


def test_vocabularies_have_neither_interval_nor_p() -> None:
    texts = [f"a {n} {n % 7}" for n in range(60)]
    (first, second) = ([entry(text, "a 1 2", ROUGE_L=0.5) for text in side] for side in (texts, texts[::-1]))
    statistics = vocabulary.METRIC.statistics(predictions_from_entries(first))
    assert values_and_intervals(statistics, draw_resamples(60, 0))[1] == {}
    for name in statistics:
        found = differences_between([first], [second])[name]
        assert (found.difference, found.interval, found.p_images, found.verdict) == (0, None, None, "not tested")


def test_bleu_without_matching_ngrams_does_not_differ() -> None:
    """BLEU-4 of pycocoevalcap is about 1e-5 then, and depends on the lengths of captions."""
    first, second = ([entry(text, "v w x y", **{"BLEU-1": 0.0})] * 60 for text in ("a b c d e", "a x b y c z"))
    found = differences_between([first], [second])["BLEU-4"]
    assert found.first != found.second
    assert found.p_images == 1 and not found.significant


def test_ciderbtw_has_no_interval_but_is_compared() -> None:
    """Images share their similar images, so only the difference of two runs on the same images is tested."""
    (first, second) = ([entry("a", "a", CIDErBtw=float(n % k)) for n in range(60)] for k in (2, 3))
    statistics = cider_between.METRIC.statistics(predictions_from_entries(first))
    assert values_and_intervals(statistics, draw_resamples(60, 0)) == ({"CIDErBtw": 0.5}, {})
    found = differences_between([first], [second])["CIDErBtw"]
    assert found.interval is not None and found.p_images is not None and found.p_images < 0.05


def entry(caption: str, reference: str, **more: float) -> dict:
    """The entry of an image in a metrics file."""
    return {"image_id": 1, "caption": caption, "tokenised": caption, "references": [reference], **more}


def entries(result: list[str], people: list[str], scores: np.ndarray) -> list[dict]:
    return [
        entry(one, other, **{f"BLEU-{n}": 0.0 for n in (1, 2, 3, 4)}, CIDEr=0.0, ROUGE_L=score)
        for one, other, score in zip(result, people, scores.tolist(), strict=True)
    ]


def differences_between(first: list[list[dict]], second: list[list[dict]]) -> dict[str, MetricDifference]:
    resamples = draw_resamples(len(first[0]), 0)
    baseline, other = (
        measure_setting([measure_run(run, Context(), resamples) for run in side], range(len(side)), Context())
        for side in (first, second)
    )
    return compare_settings(baseline, [other])[0]


def test_p_of_few_images_is_that_of_all_sign_flips() -> None:
    rng = np.random.default_rng(6)
    gains = rng.normal(0.4, 0.5, 9)
    same = ["a b c"] * 9
    differences = differences_between([entries(same, same, np.zeros(9))], [entries(same, same, gains)])["ROUGE_L"]
    flipped = [abs(np.dot(signs, gains)) for signs in product((-1, 1), repeat=9)]
    assert differences.p_images == pytest.approx(np.mean(np.array(flipped) >= abs(gains.sum()) - 1e-9))
    assert differences.verdict == ("higher" if differences.p_images_holm < 0.05 else "not significant")


def test_sign_flips_of_corpus_metrics_exchange_captions() -> None:
    references = [f"the cat number {n} sat on a mat" for n in range(8)]
    worse = [f"the dog number {n}" for n in range(8)]
    better = [*references[:6], *worse[6:]]
    first, second = (entries(result, references, np.zeros(8)) for result in (worse, better))
    expected: dict[str, list[float]] = {"BLEU-4": [], "CIDEr": [], "distinct_1": []}
    for exchanged in product((False, True), repeat=8):
        sides = [
            [(a, b)[flip] for a, b, flip in zip(x, y, exchanged, strict=True)]
            for x, y in ((first, second), (second, first))
        ]
        metrics = [all_statistics(predictions_from_entries(side)) for side in sides]
        for name, values in expected.items():
            values.append(metrics[1][name].value(8) - metrics[0][name].value(8))
    differences = differences_between([first], [second])
    for name, values in expected.items():
        assert differences[name].p_images == pytest.approx(np.mean(np.abs(values) >= abs(values[0]) - 1e-9)), name


def test_p_of_few_images_is_uniform_without_a_difference() -> None:
    rng = np.random.default_rng(7)

    def statistics_of(images: ImageEntries) -> Mapping[str, Statistic]:
        return rouge_l.METRIC.statistics(predictions_from_entries(images))

    p_values = []
    for _ in range(150):
        sides = [[[entry("a b", "a b", ROUGE_L=score) for score in rng.normal(size=20).tolist()]] for _ in range(2)]
        p_values.append(sign_flip_p_values(*sides, ["ROUGE_L"], range(20), statistics_of)["ROUGE_L"])
    assert np.mean(np.array(p_values) < 0.05) <= 0.12
    assert np.mean(np.array(p_values) < 0.5) == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("images", [2, 3, 5])
def test_fewer_than_six_images_have_no_p(images: int) -> None:
    same = ["a b"] * images
    differences = differences_between([entries(same, same, np.zeros(images))], [entries(same, same, np.ones(images))])[
        "ROUGE_L"
    ]
    assert (differences.p_images, differences.verdict) == (None, "too few images")


def test_without_spread_p_comes_from_sign_flips() -> None:
    """Every image gains the same, so all resamples agree; p then comes from sign flips."""
    same = ["a b"] * 60
    differences = differences_between([entries(same, same, np.zeros(60))], [entries(same, same, np.ones(60))])[
        "ROUGE_L"
    ]
    assert differences.p_images is not None and 0 < differences.p_images < 0.001
    unique = [f"a {n}" for n in range(60)]
    alike = differences_between([entries(same, same, np.zeros(60))], [entries(unique, same, np.zeros(60))])[
        "unique_share"
    ]
    assert alike.p_images is not None and 0 < alike.p_images < 0.01


@pytest.mark.parametrize("number", range(1, 8))
def test_few_captions_that_differ_are_few_images(number: int) -> None:
    """Of 100 captions, a few differ, whose images all gain and lose the same."""
    references = [f"the cat {n} sat on a mat" for n in range(100)]
    captions = [f"a cat {n % 5}" for n in range(100)]
    sides = [[f"a dog {n}" for n in range(number)] + captions[number:], captions]
    lengths = [np.array([float(text.startswith("a dog")) for text in side]) for side in sides]
    found = differences_between(
        *([entries(side, references, score)] for side, score in zip(sides, lengths, strict=True))
    )
    tested = {name: one.p_images for name, one in found.items() if one.p_images is not None}
    assert {"unique_share", "distinct_1", "distinct_2", "ROUGE_L", "BLEU-4"} <= tested.keys()
    assert all(p >= 2 ** (1 - number) - 1e-9 for p in tested.values())
    assert tested["ROUGE_L"] == pytest.approx(2 ** (1 - number))
    assert not any(
        one.significant and one.interval[0] <= 0 <= one.interval[1] for one in found.values() if one.interval
    )


@pytest.mark.parametrize("images", [8, 60])
def test_values_that_agree_on_all_images_have_p_1(images: int) -> None:
    same = ["a b"] * images
    sides = ([entries(same, same, np.arange(images) / images)] for _ in range(2))
    found = differences_between(*sides)
    assert {one.p_images for one in found.values() if one.interval is not None} == {1.0}
