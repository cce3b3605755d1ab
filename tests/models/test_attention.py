import pytest
import torch

from clcap_cli.models import attention
from clcap_cli.models.attention import additive_scores, weighted_regions


@pytest.mark.parametrize("chunk", [1, 40, 2**20])
def test_scores_and_gradients_match_the_formula(chunk: int, monkeypatch) -> None:
    monkeypatch.setitem(attention.CHUNK_ELEMENTS, "cpu", chunk)
    torch.manual_seed(0)
    counts = [3, 0, 1, 4]
    image = torch.repeat_interleave(torch.arange(4), torch.tensor(counts))
    inputs = [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((8, 5), (4, 3, 5), (5,))]
    query, keys, score_vector = inputs
    result = additive_scores(query, keys, score_vector, counts)
    plain = torch.tanh(keys[image] + query.unsqueeze(1)) @ score_vector
    assert torch.allclose(result, plain)
    gradient = torch.randn_like(plain)
    expected = torch.autograd.grad(plain, inputs, gradient)
    for one, other in zip(torch.autograd.grad(result, inputs, gradient), expected, strict=True):
        assert torch.allclose(one, other)


@pytest.mark.parametrize("dropout", [0.1, 0.5])
def test_dropout_masks_are_the_same_in_both_passes(dropout: float, monkeypatch) -> None:
    monkeypatch.setitem(attention.CHUNK_ELEMENTS, "cpu", 70_000)
    torch.manual_seed(0)
    shapes = ((4, 900), (2, 11, 900), (900,))
    query, keys, score_vector = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes)

    def scores(*inputs: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        return additive_scores(*inputs, [1, 3], dropout)

    assert torch.equal(scores(query, keys, score_vector), scores(query, keys, score_vector))
    # Scores are linear in score_vector, so the gradient of one score shows which activations were kept.
    (kept,) = torch.autograd.grad(scores(query, keys, score_vector)[2, 5], score_vector)
    activations = torch.tanh(keys[1, 5] + query[2]) / (1 - dropout)
    assert ((kept == 0) | torch.isclose(kept, activations)).all()
    assert (kept == 0).double().mean().item() == pytest.approx(dropout, abs=0.05)
    (to_key,) = torch.autograd.grad(scores(query, keys, score_vector)[2, 5], keys)
    slope = (1 - torch.tanh(keys[1, 5] + query[2]) ** 2) * score_vector / (1 - dropout)
    assert torch.allclose(to_key[1, 5], torch.where(kept == 0, 0.0, slope))


def test_dropout_does_not_change_the_mean_score() -> None:
    torch.manual_seed(0)
    query, keys, score_vector = torch.randn(1, 64), torch.randn(1, 3, 64), torch.randn(64)
    whole = additive_scores(query, keys, score_vector, [1])
    dropped = torch.stack([additive_scores(query, keys, score_vector, [1], 0.5) for _ in range(3000)])
    assert torch.allclose(dropped.mean(0), whole, atol=0.6)
    assert dropped.std(0).min() > 1


def test_weighted_regions_are_weighted_means() -> None:
    weights, regions, counts = torch.rand(5, 3), torch.rand(2, 3, 4), [2, 3]
    result = weighted_regions(weights, regions, counts)
    assert torch.allclose(result[1], weights[1] @ regions[0])
    assert torch.allclose(result[4], weights[4] @ regions[1])
