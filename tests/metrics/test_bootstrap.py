"""Intervals have their coverage, p-values detect differences, and both depend only on the seed."""

from itertools import product

import numpy as np
import pytest

from clcap_cli.evaluation.comparison import Difference, all_statistics, compare_settings, measure_setting
from clcap_cli.metrics import self_retrieval, vocabulary
from clcap_cli.metrics.bootstrap import confidence_interval, draw_resamples, p_value, values_and_intervals
from clcap_cli.metrics.predictions import Context, Predictions, predictions_from_entries
from clcap_cli.metrics.statistic import Statistic, mean_of


def test_the_interval_of_a_mean_is_the_normal_approximation() -> None:
    values = np.random.default_rng(1).normal(3, 2, 400)
    metric = mean_of(values)
    low, high = confidence_interval(metric, metric.value(400), draw_resamples(400, 0).evaluate(metric))
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
        low, high = confidence_interval(metric, metric.value(60), draw_resamples(60, seed, 200).evaluate(metric))
        contained += low <= 0 <= high
    assert 0.88 <= contained / 200 <= 0.99


def test_the_same_seed_draws_the_same_resamples() -> None:
    metrics = {"mean": mean_of(np.arange(30.0))}
    assert values_and_intervals(metrics, draw_resamples(30, 5)) == values_and_intervals(metrics, draw_resamples(30, 5))
    assert values_and_intervals(metrics, draw_resamples(30, 5)) != values_and_intervals(metrics, draw_resamples(30, 6))


def test_counts_of_distinct_items_are_not_biased_downwards() -> None:
    """Drawing with replacement would lose a third of 300 different captions in every resample."""
    kinds = np.random.default_rng(3).integers(0, 150, 300)

    def share(weights: np.ndarray) -> np.ndarray:
        return np.array([len(set(kinds[row > 0])) / row.sum() for row in weights])

    metric = Statistic(share, counts_distinct=True)
    metric_value = metric.value(300)
    low, high = confidence_interval(metric, metric_value, draw_resamples(300, 0, 300).evaluate(metric))
    assert low < metric_value < high
    assert 0.02 < high - low < 0.15


def test_a_real_difference_is_significant_and_noise_is_not() -> None:
    rng = np.random.default_rng(4)
    resamples = draw_resamples(200, 0)
    first = rng.normal(size=200)
    better, noise = mean_of(first + rng.normal(0.3, 0.5, 200)), mean_of(first + rng.normal(0, 0.5, 200))
    base = mean_of(first)

    def p_of(metric: Statistic) -> float:
        by = metric.value(200) - base.value(200)
        return p_value(metric, by, resamples.evaluate(metric) - resamples.evaluate(base))

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


def test_the_spread_of_a_vocabulary_is_near_its_true_one() -> None:
    """The spread estimated from one sample is near the true spread over many samples of a world."""
    rng = np.random.default_rng(5)
    chances = 1 / np.arange(1, 2001)
    chances /= chances.sum()

    def sample_predictions() -> Predictions:
        entries = [" ".join(map(str, rng.choice(2000, 10, p=chances))) for _ in range(200)]
        return predictions_from_entries([entry(text, text) for text in entries])

    counts = [len({word for text in sample_predictions().captions for word in text.split()}) for _ in range(60)]
    metric = vocabulary.METRIC.statistics(sample_predictions())["vocabulary_used"]
    estimated = np.mean([np.std(draw_resamples(200, seed, 200).evaluate(metric)) for seed in range(5)])
    assert 0.6 < estimated / np.std(counts) < 1.5


def entry(caption: str, reference: str, **more: float) -> dict:
    """The entry of an image in a metrics file."""
    return {"image_id": 1, "caption": caption, "tokenised": caption, "references": [reference], **more}


def entries(result: list[str], people: list[str], scores: np.ndarray) -> list[dict]:
    return [
        entry(one, other, **{f"BLEU-{n}": 0.0 for n in (1, 2, 3, 4)}, CIDEr=0.0, ROUGE_L=score)
        for one, other, score in zip(result, people, scores.tolist(), strict=True)
    ]


def differences_between(first: list[list[dict]], second: list[list[dict]]) -> dict[str, Difference]:
    resamples = draw_resamples(len(first[0]), 0)
    sides = (measure_setting(side, range(len(side)), Context(), resamples) for side in (first, second))
    return {one.name: one for one in compare_settings(*sides)}


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
    expected: dict[str, list[float]] = {"BLEU-4": [], "CIDEr": [], "vocabulary_used": []}
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
    p_values = []
    for _ in range(150):
        sides = [[[entry("a b", "a b", ROUGE_L=score) for score in rng.normal(size=20).tolist()]] for _ in range(2)]
        p_values.append(differences_between(*sides)["ROUGE_L"].p_images)
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
