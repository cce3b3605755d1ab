"""Losses compared with values computed by hand.

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

from clcap_cli.objectives.contrastive import Contrastive
from clcap_cli.objectives.dpo import DPO
from clcap_cli.objectives.introspective import Introspective
from clcap_cli.objectives.mle import nats_per_token
from clcap_cli.objectives.negatives_only import NegativesOnly
from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.objectives.positives_only import PositivesOnly

TARGET = torch.tensor([[-2.0, -3.0], [-6.0, -4.0], [-5.0, -9.0]])
REFERENCE = torch.tensor([[-3.0, -3.0], [-5.0, -4.0], [-5.0, -7.0]])


def pairs_of(target: torch.Tensor, reference: torch.Tensor) -> PairLogProbs:
    """Pairs of captions with one token each."""
    return PairLogProbs(target, torch.ones_like(target), reference)


def loss(objective: PairObjective, target: torch.Tensor, reference: torch.Tensor) -> float:
    return objective.loss(pairs_of(target, reference)).item()


def test_contrastive_loss_matches_hand_computation() -> None:
    assert loss(Contrastive(), TARGET, REFERENCE) == pytest.approx(0.9598254, abs=1e-6)


def test_ablations_match_hand_computation() -> None:
    assert loss(PositivesOnly(), TARGET, REFERENCE) == pytest.approx(0.5032044, abs=1e-6)
    assert loss(NegativesOnly(), TARGET, REFERENCE) == pytest.approx(0.4566210, abs=1e-6)


def test_negatives_below_reference() -> None:
    assert pairs_of(TARGET, REFERENCE).metrics()["negatives_below_reference"].item() == 0.5
    assert pairs_of(REFERENCE - 1e-5, REFERENCE).metrics()["negatives_below_reference"].item() == 0


def test_loss_of_equal_models_is_two_ln_two() -> None:
    assert loss(Contrastive(), TARGET, TARGET) == pytest.approx(2 * log(2))
    assert round(2 * log(2), 4) == 1.3863


def test_nu_is_the_prior_odds_of_a_mismatched_pair() -> None:
    nu = 5.0
    value = loss(Contrastive(nu), torch.tensor([[-2.0], [-4.0]]), torch.tensor([[-3.0], [-4.5]]))
    matched, mismatched = 1 / (1 + nu * exp(-1.0)), 1 / (1 + nu * exp(-0.5))
    assert value == pytest.approx(-(log(matched) + nu * log(1 - mismatched)), abs=1e-6)


@pytest.mark.parametrize("nu", [0.2, 1.0, 5.0])
def test_the_optimum_is_the_log_density_ratio_for_every_nu(nu: float) -> None:
    """Two captions: one has density 0.3 among matched and 0.1 among mismatched pairs, the other 0.7 and 0.9.

    The reference's ln p is 0, so the target's ln p is G.
    """
    g = torch.zeros(2, requires_grad=True)
    matched, mismatched = torch.tensor([[0] * 3 + [1] * 7]), torch.tensor([[0] * 1 + [1] * 9])
    optimizer = torch.optim.LBFGS([g], max_iter=200, tolerance_grad=1e-9)

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        log_ratio = g[torch.cat([matched, mismatched])]
        value = Contrastive(nu).loss(pairs_of(log_ratio, torch.zeros_like(log_ratio)))
        value.backward()
        return value

    optimizer.step(step)
    assert g.tolist() == pytest.approx([log(0.3 / 0.1), log(0.7 / 0.9)], abs=1e-4)


@pytest.mark.parametrize("nu", [0.2, 1.0, 5.0])
def test_the_ablations_add_up_for_every_nu(nu: float) -> None:
    total = loss(PositivesOnly(nu), TARGET, REFERENCE) + loss(NegativesOnly(nu), TARGET, REFERENCE)
    assert total == pytest.approx(loss(Contrastive(nu), TARGET, REFERENCE), abs=1e-6)
    assert loss(NegativesOnly(nu), TARGET, TARGET) == pytest.approx(nu * log((1 + nu) / nu), abs=1e-6)


def test_loss_and_gradient_are_finite_for_extreme_log_ratios() -> None:
    target = torch.tensor([[-5000.0], [-1.0]], requires_grad=True)
    value = Contrastive().loss(pairs_of(target, torch.tensor([[-1.0], [-5000.0]])))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(target.grad).all()
    assert target.grad.tolist() == [[-1.0], [1.0]]


@pytest.mark.parametrize("objective", [Contrastive(), PositivesOnly(), NegativesOnly(), DPO(5.0)])
def test_no_target_is_below_the_lower_bound(objective: PairObjective) -> None:
    """A perfect target gives matched captions probability 1 and mismatched captions probability 0."""
    perfect = torch.tensor([[0.0, 0.0], [-1e6, -1e6]])
    lower_bound = objective.loss_lower_bound(pairs_of(REFERENCE[:2], REFERENCE[:2])).item()
    assert loss(objective, perfect, REFERENCE[:2]) == pytest.approx(lower_bound, abs=1e-6)
    assert loss(objective, TARGET, REFERENCE) > lower_bound


def test_contrastive_lower_bound_is_above_zero() -> None:
    bound = Contrastive().loss_lower_bound(pairs_of(REFERENCE, REFERENCE)).item()
    assert bound == pytest.approx(-log(1 / (1 + exp(-3.0))), abs=1e-6)


def test_dpo_loss_matches_hand_computation() -> None:
    """G of the matched captions is 1 and 0, of the mismatched ones -1, 0 and 0, -2: differences 2, 0, 1, 2."""
    beta = 0.5
    terms = [log(1 / (1 + exp(-beta * difference))) for difference in (2, 0, 1, 2)]
    assert loss(DPO(beta), TARGET, REFERENCE) == pytest.approx(-sum(terms) / 4, abs=1e-6)


def test_dpo_depends_only_on_differences() -> None:
    """Unlike the contrastive loss, the DPO loss does not change if all captions become less likely."""
    assert loss(DPO(), TARGET - 7, REFERENCE) == pytest.approx(loss(DPO(), TARGET, REFERENCE), abs=1e-6)
    assert loss(Contrastive(), TARGET - 7, REFERENCE) > loss(Contrastive(), TARGET, REFERENCE)


def test_introspective_loss_matches_hand_computation() -> None:
    """A caption is 1 nat likelier for its own image than for one other image, and as likely as for a second one."""
    value = Introspective().loss(torch.tensor([-2.0]), torch.tensor([[-3.0], [-2.0]])).item()
    assert value == pytest.approx(-(log(1 / (1 + exp(-1.0))) + log(0.5)) / 2, abs=1e-6)


def test_nats_per_token_counts_the_end_token() -> None:
    assert nats_per_token(torch.tensor([-4.0, -8.0]), torch.tensor([1, 3])).item() == pytest.approx(12 / 6)
