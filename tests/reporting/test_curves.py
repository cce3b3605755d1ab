"""R@k curves agree with the metrics of self-retrieval."""

import numpy as np
import torch

from clcap_cli.evaluation.runs import open_runs
from clcap_cli.reporting.curves import recall_curve, round_ks
from clcap_cli.retrieval.ranks import Ranks, rank
from tests.reporting.conftest import image


def ranked(write, ranks: Ranks) -> np.ndarray:
    pairs = zip(ranks.expected.tolist(), ranks.tied.tolist(), strict=True)
    images = [image(id, "a dog", rank=position, tied=tied) for id, (position, tied) in enumerate(pairs)]
    (run,) = open_runs([write("nt.retrieval.json", images)])
    return recall_curve(run)


def test_recall_agrees_with_its_definition(write) -> None:
    scores = torch.randint(0, 12, (60, 60), generator=torch.Generator().manual_seed(0)).double()
    ranks = rank(scores, torch.arange(60))
    assert int(ranks.tied.max()) > 3
    np.testing.assert_allclose(ranked(write, ranks), [ranks.recall(k) for k in range(1, 61)], atol=1e-12)


def test_one_image_among_few_has_a_curve(write) -> None:
    assert ranked(write, Ranks(torch.tensor([0, 1]), torch.tensor([2, 1]))).tolist() == [0.25, 1.0]


def test_a_run_without_ranks_has_no_curve(write) -> None:
    (run,) = open_runs([write("nt.metrics.json", [image(1, "a dog")])])
    assert run.pool == 0
    assert recall_curve(run).size == 0


def test_a_curve_is_described_at_round_k() -> None:
    assert round_ks(200) == [1, 2, 5, 10, 20, 50, 100, 200]
    assert round_ks(1) == [1]
