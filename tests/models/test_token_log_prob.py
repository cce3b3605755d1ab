import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from clcap_cli.models import token_log_prob as module
from clcap_cli.models.token_log_prob import token_log_prob


@pytest.mark.parametrize(("chunk", "saved"), [(1, 0), (50, 50), (50, 1000), (1000, 1000)])
def test_log_probs_and_gradients_match_cross_entropy(chunk: int, saved: int, monkeypatch) -> None:
    monkeypatch.setattr(module, "SAVED_ELEMENTS", saved)
    monkeypatch.setitem(module.CHUNK_ELEMENTS, "cpu", chunk)
    torch.manual_seed(0)
    output, rows = nn.Linear(6, 11), torch.tensor([0, 1, 1, 1, 2, 4, 5, 5, 6, 7, 8])
    words = torch.randperm(11)
    hidden = torch.randn(9, 6, requires_grad=True)
    inputs = [hidden, output.weight, output.bias]
    expected = -cross_entropy(output(hidden)[rows], words, reduction="none")
    log_probs = token_log_prob(hidden, output, words, rows)
    assert torch.allclose(log_probs, expected, atol=1e-6)
    gradient = torch.randn(11)
    pairs = zip(
        torch.autograd.grad(log_probs, inputs, gradient), torch.autograd.grad(expected, inputs, gradient), strict=True
    )
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in pairs)


def test_bf16_products_are_close_to_float32() -> None:
    torch.manual_seed(0)
    output, words = nn.Linear(64, 100), torch.randint(100, (20,))
    hidden = torch.randn(20, 64, requires_grad=True)
    exact = token_log_prob(hidden, output, words, torch.arange(20))
    with torch.autocast("cpu", torch.bfloat16):
        rough = token_log_prob(hidden, output, words, torch.arange(20))
    assert rough.dtype == torch.float32
    assert torch.allclose(rough, exact, atol=0.05)
    rough.sum().backward()
    assert hidden.grad is not None and output.weight.grad is not None
    assert output.weight.grad.dtype == torch.float32
