"""SimPO compared with values computed by hand and with its gradient in closed form.

With ln p of the target and the numbers of tokens

    matched:      -2, -3   tokens 2, 4    per token -1, -0.75
    mismatched 1: -6, -4   tokens 3, 4    per token -2, -1
    mismatched 2: -5, -9   tokens 5, 6    per token -1, -1.5

and β = 2, γ = 0.5 the arguments of ln sigmoid are 2 × (1, 0.25, 0, 0.75) - 0.5 = 1.5, 0, -0.5, 1:

    L = (0.2014133 + 0.6931472 + 0.9740770 + 0.3132617) / 4 = 0.5454748
"""

from math import log

import pytest
import torch

from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.objectives.simpo import SimPO

LOG_PROBS = [[-2.0, -3.0], [-6.0, -4.0], [-5.0, -9.0]]
TOKENS = torch.tensor([[2, 4], [3, 4], [5, 6]])


def pairs(requires_grad: bool = False) -> PairLogProbs:
    return PairLogProbs(torch.tensor(LOG_PROBS, dtype=torch.float64, requires_grad=requires_grad), TOKENS)


def test_simpo_loss_matches_hand_computation() -> None:
    assert SimPO(beta=2, gamma=0.5).loss(pairs()).item() == pytest.approx(0.5454748, abs=1e-6)


def test_gradient_matches_the_closed_form() -> None:
    """dL / d ln p(c) = ∓ mean over the pairs of c of β σ(-a) / |c|, with the argument a of ln sigmoid.

    The sign is - for matched and + for mismatched captions.
    """
    beta, gamma = 2.0, 0.5
    with_gradient = pairs(requires_grad=True)
    SimPO(beta, gamma).loss(with_gradient).backward()
    per_token = torch.tensor(LOG_PROBS, dtype=torch.float64) / TOKENS
    weight = beta * torch.sigmoid(gamma - beta * (per_token[0] - per_token[1:])) / 4  # (K, P)
    expected = torch.cat([-weight.sum(dim=0, keepdim=True), weight]) / TOKENS
    assert torch.allclose(with_gradient.target.grad, expected, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 3.0])
def test_loss_of_equal_captions_follows_from_the_margin(gamma: float) -> None:
    equal = PairLogProbs(-0.7 * TOKENS, TOKENS)
    assert SimPO(gamma=gamma).loss(equal).item() == pytest.approx(log(1 + torch.tensor(gamma).exp().item()), abs=1e-6)


def test_no_target_is_below_the_lower_bound() -> None:
    perfect = PairLogProbs(torch.tensor([[0.0, 0.0], [-1e6, -1e6]]), TOKENS[:2])
    assert SimPO().loss(perfect).item() == SimPO().loss_lower_bound(perfect).item() == 0


def test_metrics_without_a_reference_are_per_token() -> None:
    metrics = {name: value.item() for name, value in pairs().metrics().items()}
    assert metrics == {"token_log_prob_margin": pytest.approx(2 / 4), "pairwise_accuracy": pytest.approx(3 / 4)}
