"""Self-retrieval estimated from a sample of the captions."""

import numpy as np
import pytest
import torch

from clcap_cli.retrieval.estimate import draw_captions, estimate_from
from clcap_cli.retrieval.ranks import Ranks
from tests.benchmarks.estimate_coverage import measure


def uneven_ranks(captions: int) -> Ranks:
    """Ranks as captioners have them: many low ones, a long tail, and some ties."""
    draw = np.random.default_rng(0)
    better = np.minimum(draw.lognormal(2.5, 1.8, captions).astype(np.int64), captions - 3)
    return Ranks(torch.from_numpy(better), torch.from_numpy(draw.choice([1, 1, 1, 2], captions)))


def test_a_larger_sample_contains_the_smaller_one() -> None:
    small, large = (draw_captions(1000, count, 3) for count in (20, 300))
    assert small.sum() == 20 and large.sum() == 300 and (small <= large).all()
    assert (draw_captions(1000, 20, 4) != small).any()


def test_every_caption_is_drawn_equally_often() -> None:
    times = sum(draw_captions(50, 10, seed).astype(int) for seed in range(2000))
    assert abs(times - 400).max() < 100


@pytest.mark.parametrize("count", [100, 300])
def test_intervals_contain_the_exact_values(count: int) -> None:
    for name, coverage in measure(uneven_ranks(400), 400, count, seeds=30).items():
        assert coverage.contained >= 25, name  # 95% are 28 or 29; fewer than 25 have a probability of 0.3%


def test_intervals_are_narrower_the_more_captions_are_known() -> None:
    ranks = uneven_ranks(400)
    widths = [high - low for of in (401, 500, 800, 10**9) for low, high in [interval_of("R@10", ranks, of)]]
    assert widths == sorted(widths)
    plain = 2 * 1.96 * np.sqrt(ranks.recall(10) * (1 - ranks.recall(10)) / 400)
    assert widths[-1] == pytest.approx(plain, rel=0.1)
    assert widths[2] == pytest.approx(plain * np.sqrt(0.5), rel=0.1)
    assert widths[0] < 0.2 * plain


def interval_of(name: str, ranks: Ranks, captions: int) -> tuple[float, float]:
    return estimate_from(ranks, 800, captions, 0).intervals[name]
