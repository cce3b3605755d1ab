"""Holm's correction, t-tests over seeds and McNemar's test give the values of their definitions."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from clcap_cli.metrics.bootstrap import p_value
from clcap_cli.metrics.holm import holm_corrected
from clcap_cli.metrics.mcnemar import mcnemar_p_value, mcnemar_p_values
from clcap_cli.metrics.seed_test import seed_test


def test_holm_multiplies_by_the_tests_that_are_left() -> None:
    assert holm_corrected({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})
    assert holm_corrected({"a": 0.7, "b": 0.6}) == {"a": 1.0, "b": 1.0}
    assert holm_corrected({"a": 0.03}) == {"a": 0.03}
    assert holm_corrected({}) == {}


def test_holm_keeps_the_order_and_never_lowers_p() -> None:
    p_values = {str(n): p for n, p in enumerate(np.random.default_rng(1).random(30).tolist())}
    corrected = holm_corrected(p_values)
    order = sorted(p_values, key=p_values.__getitem__)
    assert all(p_values[name] <= corrected[name] <= 1 for name in p_values)
    assert all(corrected[a] <= corrected[b] for a, b in pairwise(order))


def test_p_of_images_can_be_small_enough_for_many_metrics() -> None:
    """With 1,000 resamples alone, no p would be below 0.002, and none of 26 metrics could be significant."""
    resampled = np.random.default_rng(1).normal(5, 1, 1000)
    assert 0 < p_value(resampled, 200) < 1e-5
    assert p_value(resampled - 3, 200) == pytest.approx(2 * (1 + (resampled <= 3).sum()) / 1001)


def test_equal_seeds_are_paired_in_any_order() -> None:
    first, second = [1.0, 2.0, 3.0], [3.5, 1.2, 2.1]
    test = seed_test([1, 2, 3], [3, 1, 2])
    assert test is not None and test.name == "paired t-test over 3 seeds"
    assert test.p_value(first, second) == pytest.approx(ttest_rel(first, [1.2, 2.1, 3.5]).pvalue)


def test_other_seeds_are_compared_without_pairs() -> None:
    first, second = [1.0, 2.0, 3.0], [3.5, 1.2]
    test = seed_test([1, 2, 3], [1, 2])
    assert test is not None and test.name == "Welch's t-test over 3 and 2 seeds"
    assert test.p_value(first, second) == pytest.approx(ttest_ind(first, second, equal_var=False).pvalue)


@pytest.mark.parametrize("second_seeds", [range(3), range(3, 6)], ids=["paired", "Welch"])
def test_p_over_seeds_is_rarely_small_without_a_difference(second_seeds: range) -> None:
    rng = np.random.default_rng(3)
    test = seed_test(range(3), second_seeds)
    assert test is not None
    p_values = [test.p_value(*rng.exponential(size=(2, 3)).tolist()) for _ in range(1000)]
    assert 0.01 < np.mean([p is not None and p < 0.05 for p in p_values]) < 0.06


def test_a_single_run_has_no_test_over_seeds() -> None:
    assert seed_test([1], [1]) is None
    assert seed_test([1, 2], [1]) is None


@pytest.mark.parametrize("seeds", [[1, 2, 3], [4, 5, 6]])
def test_without_spread_over_seeds_there_is_no_p(seeds: list[int]) -> None:
    test = seed_test([1, 2, 3], seeds)
    assert test is not None
    assert test.p_value([0.1] * 3, [0.2] * 3) is None
    assert test.p_value([0.1, 0.1, 0.1], [0.2, 0.2, 0.3]) is not None


def test_pairs_that_gain_the_same_have_no_p() -> None:
    test = seed_test([1, 2, 3], [1, 2, 3])
    assert test is not None and test.p_value([0.1, 0.4, 0.7], [0.3, 0.6, 0.9]) is None


def test_mcnemar_counts_images_that_only_one_run_finds() -> None:
    both, neither = [(1.0, 1.0)] * 50, [(0.0, 0.0)] * 50
    first, second = np.array([*both, *neither, *[(0.0, 1.0)] * 6]).T
    assert mcnemar_p_value(first, second) == pytest.approx(2 / 2**6)
    assert mcnemar_p_value(second, first) == pytest.approx(2 / 2**6)
    assert mcnemar_p_value(first, first) == 1.0


def test_mcnemar_leaves_out_ties_across_rank_k() -> None:
    first, second = np.array([(0.0, 1.0)] * 5 + [(0.5, 1.0), (0.0, 0.5)]).T
    assert mcnemar_p_value(first, second) == pytest.approx(2 / 2**5)


def test_mcnemar_reads_ranks_of_a_metrics_file() -> None:
    first = [{"rank": 2, "tied": 1}] * 8
    second = [{"rank": 1, "tied": 1}] * 8
    assert mcnemar_p_values(first, second) == pytest.approx({"R@1": 2 / 2**8, "R@5": 1.0})
    assert mcnemar_p_values(first, [{"CIDEr": 1.0}] * 8) == {}
