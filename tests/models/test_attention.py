import pytest
import torch

from clcap_cli.models import attention
from clcap_cli.models.attention import additive_scores, weighted_regions


@pytest.mark.parametrize("at_once", [1, 40, 2**20])
def test_scores_and_their_gradients_are_those_of_the_formula(at_once: int, monkeypatch) -> None:
    monkeypatch.setitem(attention.NUMBERS_AT_ONCE, "cpu", at_once)
    torch.manual_seed(0)
    counts = [3, 0, 1, 4]
    image = torch.repeat_interleave(torch.arange(4), torch.tensor(counts))
    inputs = [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((8, 5), (4, 3, 5), (5,))]
    query, keys, direction = inputs
    found = additive_scores(query, keys, direction, counts)
    plain = torch.tanh(keys[image] + query.unsqueeze(1)) @ direction
    assert torch.allclose(found, plain)
    gradient = torch.randn_like(plain)
    expected = torch.autograd.grad(plain, inputs, gradient)
    for one, other in zip(torch.autograd.grad(found, inputs, gradient), expected, strict=True):
        assert torch.allclose(one, other)


@pytest.mark.parametrize("dropout", [0.1, 0.5])
def test_dropped_numbers_are_the_same_in_both_passes(dropout: float, monkeypatch) -> None:
    monkeypatch.setitem(attention.NUMBERS_AT_ONCE, "cpu", 70_000)
    torch.manual_seed(0)
    shapes = ((4, 900), (2, 11, 900), (900,))
    query, keys, direction = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes)

    def scores(*inputs: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        return additive_scores(*inputs, [1, 3], dropout)

    assert torch.equal(scores(query, keys, direction), scores(query, keys, direction))
    # Scores are linear in the direction: their gradient at one place shows which numbers were kept there.
    (kept,) = torch.autograd.grad(scores(query, keys, direction)[2, 5], direction)
    fits = torch.tanh(keys[1, 5] + query[2]) / (1 - dropout)
    assert ((kept == 0) | torch.isclose(kept, fits)).all()
    assert (kept == 0).double().mean().item() == pytest.approx(dropout, abs=0.05)
    (to_key,) = torch.autograd.grad(scores(query, keys, direction)[2, 5], keys)
    slope = (1 - torch.tanh(keys[1, 5] + query[2]) ** 2) * direction / (1 - dropout)
    assert torch.allclose(to_key[1, 5], torch.where(kept == 0, 0.0, slope))


def test_dropout_leaves_the_mean_score() -> None:
    torch.manual_seed(0)
    query, keys, direction = torch.randn(1, 64), torch.randn(1, 3, 64), torch.randn(64)
    whole = additive_scores(query, keys, direction, [1])
    dropped = torch.stack([additive_scores(query, keys, direction, [1], 0.5) for _ in range(3000)])
    assert torch.allclose(dropped.mean(0), whole, atol=0.6)
    assert dropped.std(0).min() > 1


def test_weighted_regions() -> None:
    weights, regions, counts = torch.rand(5, 3), torch.rand(2, 3, 4), [2, 3]
    found = weighted_regions(weights, regions, counts)
    assert torch.allclose(found[1], weights[1] @ regions[0])
    assert torch.allclose(found[4], weights[4] @ regions[1])
