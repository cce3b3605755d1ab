"""Losses compared with values computed by hand, and the policy gradient with the exact one over all samples.

With logits of r

    matched: ln 3, 0   generated: ln 3   mismatched: -ln 4        r = 3/4, 1/2; 3/4; 1/5

    loss = -(ln 3/4 + ln 1/2) / 2 - 1/2 ln 1/4 - 1/2 ln 4/5
         = 0.4904146 + 0.6931472 + 0.1115718                                 = 1.2951336
"""

import itertools
from math import log

import pytest
import torch

from clcap_cli.objectives.adversarial import advantages, captioner_loss, discriminator_loss, reward_spread


def test_discriminator_loss_matches_hand_computation() -> None:
    loss = discriminator_loss(torch.tensor([log(3), 0.0]), torch.tensor([-log(4)]), torch.tensor([log(3)]))
    assert loss.item() == pytest.approx(1.2951336, abs=1e-6)


def test_a_constant_discriminator_is_stationary_at_two_ln_two() -> None:
    score = torch.zeros((), requires_grad=True)
    loss = discriminator_loss(score.expand(4), score.expand(3), score.expand(7))
    loss.backward()
    assert loss.item() == pytest.approx(2 * log(2))
    assert score.grad.item() == pytest.approx(0, abs=1e-7)


def test_matched_logits_rise_and_all_others_fall() -> None:
    scores = [torch.zeros(2, requires_grad=True) for _ in range(3)]
    discriminator_loss(*scores).backward()
    assert [score.grad.tolist() for score in scores] == [[-0.25, -0.25], [0.125, 0.125], [0.125, 0.125]]


def test_loss_is_finite_for_extreme_logits() -> None:
    far = torch.tensor([-1e4])
    assert torch.isfinite(discriminator_loss(far, -far, -far))


@pytest.mark.parametrize("k", [2, 3, 4])
def test_expected_gradient_is_that_of_the_expected_reward(k: int) -> None:
    """Sum over all draws of k from three captions, weighted by their probability."""
    logits = torch.tensor([0.3, -0.8, 1.1], dtype=torch.float64, requires_grad=True)
    rewards = torch.tensor([0.9, 0.2, 0.5], dtype=torch.float64)
    (exact,) = torch.autograd.grad(-(logits.softmax(0) * rewards).sum(), logits)
    estimated = torch.zeros_like(logits)
    for sample in itertools.product(range(3), repeat=k):
        log_probs = logits.log_softmax(0)[list(sample)].unsqueeze(1)  # (k, 1)
        (gradient,) = torch.autograd.grad(captioner_loss(log_probs, rewards[list(sample)].unsqueeze(1)), logits)
        estimated += gradient * log_probs.detach().sum().exp()
    assert torch.allclose(estimated, exact, atol=1e-12)


def test_the_baseline_is_the_mean_of_the_images_other_samples() -> None:
    rewards = torch.tensor([[0.9, 0.1], [0.3, 0.1], [0.5, 0.4]])
    expected = torch.tensor([[0.5, -0.15], [-0.4, -0.15], [-0.1, 0.3]])
    assert torch.allclose(advantages(rewards), expected)


def test_equal_rewards_have_no_gradient() -> None:
    log_probs = torch.randn(3, 4, requires_grad=True)
    rewards = torch.rand(4).expand(3, 4)
    captioner_loss(log_probs, rewards).backward()
    assert log_probs.grad.abs().max() < 1e-7
    assert reward_spread(rewards) < 1e-7


def test_rewards_receive_no_gradient() -> None:
    rewards = torch.rand(2, 2, requires_grad=True)
    captioner_loss(torch.randn(2, 2, requires_grad=True), rewards).backward()
    assert rewards.grad is None
