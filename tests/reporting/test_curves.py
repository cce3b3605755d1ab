"""R@k curves agree with the metrics of self-retrieval."""

import numpy as np
import torch

from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.curves import curve_ks, recall_curve, round_ks
from clcap_cli.retrieval.ranks import Ranks, rank
from tests.reporting.conftest import image


def curve(write, ranks: Ranks) -> dict[float, float]:
    pairs = zip(ranks.expected.tolist(), ranks.tied.tolist(), strict=True)
    images = [image(id, "a dog", rank=position, tied=tied) for id, (position, tied) in enumerate(pairs)]
    (run,) = open_runs([write("nt.retrieval.json", images)])
    return recall_curve(run)


def test_recall_agrees_with_its_definition(write) -> None:
    scores = torch.randint(0, 12, (60, 60), generator=torch.Generator().manual_seed(0)).double()
    ranks = rank(scores, torch.arange(60))
    assert int(ranks.tied.max()) > 3
    found = curve(write, ranks)
    assert list(found) == curve_ks(60)
    np.testing.assert_allclose(list(found.values()), [ranks.recall(int(k)) for k in found], atol=1e-12)


def test_one_image_among_few_has_a_curve(write) -> None:
    assert curve(write, Ranks(torch.tensor([0, 1]), torch.tensor([2, 1]))) == {1: 0.25, 2: 1.0}


def test_a_pool_of_ten_million_images_has_a_short_curve(write) -> None:
    images = [image(1, "a dog", rank=1e6, pool_size=10**7), image(2, "a cat", rank=1, pool_size=10**7)]
    (run,) = open_runs([write("nt.retrieval.json", images)])
    found = recall_curve(run)
    assert len(found) < 400
    assert (found[1], found[10**6], found[10**7]) == (0.5, 1.0, 1.0)


def test_a_run_without_ranks_has_no_curve(write) -> None:
    (run,) = open_runs([write("nt.metrics.json", [image(1, "a dog")])])
    assert run.pool == 0
    assert recall_curve(run) == {}


def test_a_curve_is_described_at_round_k() -> None:
    assert round_ks(200) == [1, 2, 5, 10, 20, 50, 100, 200]
    assert round_ks(1) == [1]
