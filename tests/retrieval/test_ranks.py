import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clcap_cli.retrieval.ranks import chance_metrics, rank, retrieval_metrics


def ranks_of_row(row: list[float], true_image: int = 0):
    return rank(torch.tensor([row]), torch.tensor([true_image]))


def test_rank_counts_images_with_higher_scores() -> None:
    actual = ranks_of_row([-2.0, -1.0, -3.0, -1.5])
    assert actual.expected.tolist() == [3.0]
    assert actual.tied.tolist() == [1]
    assert [actual.recall(k) for k in (1, 2, 3)] == [0, 0, 1]


def test_ties_count_as_in_random_order() -> None:
    actual = ranks_of_row([-1.0, -1.0, -1.0, -5.0])
    assert actual.expected.tolist() == [2.0]
    assert [actual.recall(k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])


def test_scores_within_the_tolerance_are_tied() -> None:
    assert ranks_of_row([-1.0, -1.00005]).tied.tolist() == [2]
    assert ranks_of_row([-1.0, -1.001]).tied.tolist() == [1]


def test_a_model_that_ignores_the_image_is_at_chance() -> None:
    ranks = rank(torch.zeros(20, 20), torch.arange(20))
    metrics, chance = retrieval_metrics(ranks, 20), chance_metrics(20)
    assert metrics == pytest.approx(chance)
    assert list(chance) == ["R@1", "R@5", "R@10", "median_rank", "mean_rank"]


@given(st.lists(st.integers(-4, 0), min_size=2, max_size=12), st.data())
def test_expected_rank_is_the_mean_over_all_orders_of_a_tie(row: list[int], data: st.DataObject) -> None:
    true_image = data.draw(st.integers(0, len(row) - 1))
    actual = ranks_of_row([float(value) for value in row], true_image)
    better = sum(value > row[true_image] for value in row)
    tied = sum(value == row[true_image] for value in row)
    positions = range(better + 1, better + tied + 1)
    assert actual.expected.item() == sum(positions) / tied
    for k in range(1, len(row) + 1):
        assert actual.recall(k) == pytest.approx(sum(position <= k for position in positions) / tied)
