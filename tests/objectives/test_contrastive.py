"""Losses against numbers worked by hand.

With ln p of target and reference

    matched:      target -2, -3   reference -3, -3     G = 1, 0
    mismatched 1: target -6, -4   reference -5, -4     G = -1, 0
    mismatched 2: target -5, -9   reference -5, -7     G = 0, -2

and sigma(1) = 0.7310586, sigma(0) = 0.5, sigma(2) = 0.8807971:

    mean ln h       = (ln 0.7310586 + ln 0.5) / 2                            = (-0.3132617 - 0.6931472) / 2
                    = -0.5032044
    mean ln (1 - h) = (ln sigma(1) + ln sigma(0) + ln sigma(0) + ln sigma(2)) / 4
                    = (-0.3132617 - 0.6931472 - 0.6931472 - 0.1269280) / 4   = -0.4566210
    J               = -0.9598254
"""

from math import exp, log

import pytest
import torch

from clcap_cli.objectives.contrastive import contrast, upper_bound
from clcap_cli.objectives.mle import nats_per_word

TARGET = torch.tensor([[-2.0, -3.0], [-6.0, -4.0], [-5.0, -9.0]])
REFERENCE = torch.tensor([[-3.0, -3.0], [-5.0, -4.0], [-5.0, -7.0]])


def test_loss_equals_the_numbers_worked_by_hand() -> None:
    assert contrast(TARGET, REFERENCE, nu=1).loss.item() == pytest.approx(0.9598254, abs=1e-6)


def test_share_told_apart() -> None:
    assert contrast(TARGET, REFERENCE, nu=1).told_apart.item() == 0.5


def test_equal_models_start_at_two_ln_two() -> None:
    assert contrast(TARGET, TARGET, nu=1).loss.item() == pytest.approx(2 * log(2))
    assert round(2 * log(2), 4) == 1.3863


def test_nu_is_the_prior_odds_of_a_mismatch() -> None:
    nu = 5.0
    loss = contrast(torch.tensor([[-2.0], [-4.0]]), torch.tensor([[-3.0], [-4.5]]), nu).loss.item()
    matched, mismatched = 1 / (1 + nu * exp(-1.0)), 1 / (1 + nu * exp(-0.5))
    assert loss == pytest.approx(-(log(matched) + log(1 - mismatched)), abs=1e-6)


def test_hopeless_and_perfect_pairs_stay_finite() -> None:
    target = torch.tensor([[-5000.0], [-1.0]], requires_grad=True)
    loss = contrast(target, torch.tensor([[-1.0], [-5000.0]]), nu=1).loss
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(target.grad).all()
    assert target.grad.tolist() == [[-1.0], [1.0]]


def test_no_target_is_above_the_upper_bound() -> None:
    perfect = contrast(torch.tensor([[0.0, 0.0], [-1e6, -1e6]]), REFERENCE[:2], nu=1)
    bound = upper_bound(REFERENCE[0], nu=1)
    assert bound.item() == pytest.approx(log(1 / (1 + exp(-3.0))), abs=1e-6)
    assert -perfect.loss.item() == pytest.approx(bound.item(), abs=1e-6)
    assert bound < 0


def test_nats_per_word_counts_the_end() -> None:
    assert nats_per_word(torch.tensor([-4.0, -8.0]), torch.tensor([1, 3])).item() == pytest.approx(12 / 6)
