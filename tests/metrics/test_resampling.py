"""Intervals cover, p-values answer, and the same seed gives the same of both."""

import numpy as np
import pytest

from clcap_cli.metrics.figures import mean_figure, retrieval_figures
from clcap_cli.metrics.resampling import Figure, draw, interval, measured, p_value, value


def test_a_mean_has_the_interval_of_textbooks() -> None:
    values = np.random.default_rng(1).normal(3, 2, 400)
    figure = mean_figure(values)
    low, high = interval(figure, value(figure, 400), draw(400, 0).of(figure))
    reach = 1.96 * values.std() / 20
    assert (low, high) == (
        pytest.approx(values.mean() - reach, abs=0.04),
        pytest.approx(values.mean() + reach, abs=0.04),
    )


def test_intervals_contain_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    contained = 0
    for seed in range(200):
        figure = mean_figure(rng.normal(size=60))
        low, high = interval(figure, value(figure, 60), draw(60, seed, 200).of(figure))
        contained += low <= 0 <= high
    assert 0.88 <= contained / 200 <= 0.99


def test_the_same_seed_draws_the_same() -> None:
    figures = {"mean": mean_figure(np.arange(30.0))}
    assert measured(figures, draw(30, 5)) == measured(figures, draw(30, 5))
    assert measured(figures, draw(30, 5)) != measured(figures, draw(30, 6))


def test_different_things_are_not_undercounted() -> None:
    """With repeats, a third of 300 different captions would be missing from every resample."""
    kinds = np.random.default_rng(3).integers(0, 150, 300)

    def share(weights: np.ndarray) -> np.ndarray:
        return np.array([len(set(kinds[row > 0])) / row.sum() for row in weights])

    figure = Figure(share, counts_distinct=True)
    found = value(figure, 300)
    low, high = interval(figure, found, draw(300, 0, 300).of(figure))
    assert low < found < high
    assert 0.02 < high - low < 0.15


def test_a_real_difference_is_told_from_none() -> None:
    rng = np.random.default_rng(4)
    draws = draw(200, 0)
    first = rng.normal(size=200)
    better, noise = mean_figure(first + rng.normal(0.3, 0.5, 200)), mean_figure(first + rng.normal(0, 0.5, 200))
    base = mean_figure(first)

    def p_of(figure: Figure) -> float:
        by = value(figure, 200) - value(base, 200)
        return p_value(figure, by, draws.of(figure) - draws.of(base))

    assert p_of(better) < 0.01
    assert p_of(noise) > 0.05
    assert p_of(base) == 1


def test_ranks_give_the_figures_of_self_retrieval() -> None:
    import torch

    from clcap_cli.retrieval.ranks import Ranks
    from clcap_cli.retrieval.ranks import retrieval_figures as overall

    ranks = Ranks(torch.tensor([0, 2, 5, 0, 9, 3]), torch.tensor([1, 2, 1, 3, 1, 1]))
    images = [
        {"rank": rank, "tied": tied} for rank, tied in zip(ranks.expected.tolist(), ranks.tied.tolist(), strict=True)
    ]
    for name, figure in retrieval_figures(images).items():
        assert value(figure, 6) == pytest.approx(overall(ranks, 6)[name]), name


def test_a_vocabulary_spreads_about_as_it_would_over_other_images() -> None:
    """Drawn from one world many times, the count's true spread is near the one that a single sample tells."""
    from clcap_cli.metrics.figures import distinctiveness_figures

    rng = np.random.default_rng(5)
    chances = 1 / np.arange(1, 2001)
    chances /= chances.sum()

    def images() -> list[dict]:
        texts = [" ".join(map(str, rng.choice(2000, 10, p=chances))) for _ in range(200)]
        return [{"tokenised": text, "references": [text]} for text in texts]

    counts = [len({word for image in images() for word in image["tokenised"].split()}) for _ in range(60)]
    figure = distinctiveness_figures(images())["vocabulary_used"]
    told = np.mean([np.std(draw(200, seed, 200).of(figure)) for seed in range(5)])
    assert 0.6 < told / np.std(counts) < 1.5
