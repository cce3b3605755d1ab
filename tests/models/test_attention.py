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


def test_weighted_regions() -> None:
    weights, regions, counts = torch.rand(5, 3), torch.rand(2, 3, 4), [2, 3]
    found = weighted_regions(weights, regions, counts)
    assert torch.allclose(found[1], weights[1] @ regions[0])
    assert torch.allclose(found[4], weights[4] @ regions[1])
