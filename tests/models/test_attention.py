import pytest
import torch
from torch import Tensor

from clcap_cli.models import attention
from clcap_cli.models.attention import additive_scores, weighted_regions

COUNTS = [3, 0, 1, 4]


def inputs_of(size: float, counts: list[int] = COUNTS, hidden: int = 5, dtype=torch.float64) -> list[Tensor]:
    """Query, keys of three regions per image, and score vector."""
    torch.manual_seed(0)
    shapes = (sum(counts), hidden), (len(counts), 3, hidden)
    large = [(size * torch.randn(*shape, dtype=dtype)).requires_grad_() for shape in shapes]
    return [*large, torch.randn(hidden, dtype=dtype, requires_grad=True)]


def plain_scores(query: Tensor, keys: Tensor, score_vector: Tensor, counts: list[int] = COUNTS) -> Tensor:
    """The formula, with a copy of the keys for every token."""
    image = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return torch.tanh(keys[image] + query.unsqueeze(1)) @ score_vector


def assert_equal_with_gradients(result: Tensor, expected: Tensor, inputs: list[Tensor], atol: float = 1e-8) -> None:
    assert torch.allclose(result, expected, atol=atol)
    gradient = torch.randn_like(expected)
    pairs = (torch.autograd.grad(scores, inputs, gradient.to(scores.dtype)) for scores in (result, expected))
    for one, other in zip(*pairs, strict=True):
        assert torch.allclose(one, other, atol=atol)


@pytest.mark.parametrize("chunk", [1, 40, 2**20])
@pytest.mark.parametrize("counts", [COUNTS, [2, 2, 2, 2], [0, 0], [0, 9, 1, 0, 0, 1, 2, 3, 1, 0]])
def test_scores_and_gradients_match_the_formula(chunk: int, counts: list[int], monkeypatch) -> None:
    monkeypatch.setitem(attention.CHUNK_ELEMENTS, "cpu", chunk)
    inputs = inputs_of(1, counts)
    assert_equal_with_gradients(additive_scores(*inputs, counts), plain_scores(*inputs, counts), inputs)


@pytest.mark.parametrize("size", [1e-3, 10, 30, 60, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scores_are_exact_for_inputs_of_any_size(size: float, dtype: torch.dtype) -> None:
    inputs = inputs_of(size, hidden=64, dtype=dtype)
    exact = plain_scores(*(each.double() for each in inputs))
    assert_equal_with_gradients(additive_scores(*inputs, COUNTS).double(), exact, inputs, atol=1e-5)


def test_an_image_out_of_range_leaves_the_others_exact() -> None:
    inputs = inputs_of(1, hidden=64, dtype=torch.float32)
    with torch.no_grad():
        inputs[1][3] *= 1e4
    exact = plain_scores(*(each.double() for each in inputs))
    assert_equal_with_gradients(additive_scores(*inputs, COUNTS).double(), exact, inputs, atol=1e-5)


@pytest.mark.parametrize("size", [40, 43.6, 43.7, 100, 1e4])
def test_large_keys_and_queries_that_cancel_are_exact(size: float) -> None:
    x = torch.linspace(-2, 2, 64)
    query, keys = torch.stack([x + size, x - size]), torch.stack([-size - 0 * x, size + 0 * x]).unsqueeze(1)
    exact = torch.tanh(query.double() + keys[:, 0].double()).sum(1, keepdim=True)
    assert torch.allclose(additive_scores(query, keys, torch.ones(64), [1, 1]).double(), exact, atol=1e-5)


def test_scores_pass_pytorchs_gradient_check() -> None:
    assert torch.autograd.gradcheck(lambda *inputs: additive_scores(*inputs, COUNTS), inputs_of(1))


@pytest.mark.parametrize("autocast", [False, True])
def test_scores_of_bfloat16_are_computed_in_float32(autocast: bool) -> None:
    inputs = [each.detach().bfloat16().requires_grad_() for each in inputs_of(1, hidden=64)]
    expected = plain_scores(*(each.float() for each in inputs))
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        assert_equal_with_gradients(additive_scores(*inputs, COUNTS), expected, inputs, atol=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_autocast_does_not_change_scores_of_float32(dropout: float) -> None:
    inputs = inputs_of(1, hidden=64, dtype=torch.float32)

    def scores() -> Tensor:
        torch.manual_seed(1)
        return additive_scores(*inputs, COUNTS, dropout)

    expected = scores()
    with torch.autocast("cpu", torch.bfloat16):
        assert_equal_with_gradients(scores(), expected, inputs)


def test_an_input_that_is_not_a_number_gives_such_scores() -> None:
    query, keys, score_vector = (each.detach() for each in inputs_of(1))
    query[0, 0] = torch.nan
    isnan = additive_scores(query, keys, score_vector, COUNTS).isnan()
    assert isnan[0].all()
    assert not isnan[3:].any()


@pytest.mark.parametrize("counts", [[1, 3], [4, 0]])
@pytest.mark.parametrize("dropout", [0.1, 0.5])
def test_dropout_masks_are_the_same_in_both_passes(dropout: float, counts: list[int], monkeypatch) -> None:
    monkeypatch.setitem(attention.CHUNK_ELEMENTS, "cpu", 70_000)
    torch.manual_seed(0)
    shapes = ((4, 900), (2, 11, 900), (900,))
    query, keys, score_vector = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    image = int(counts[0] < 3)

    def scores(*inputs: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        return additive_scores(*inputs, counts, dropout)

    assert torch.equal(scores(query, keys, score_vector), scores(query, keys, score_vector))
    # Scores are linear in score_vector, so the gradient of one score shows which activations were kept.
    (kept,) = torch.autograd.grad(scores(query, keys, score_vector)[2, 5], score_vector)
    assert torch.allclose(scores(query, keys, score_vector)[2, 5], kept @ score_vector)
    activations = torch.tanh(keys[image, 5] + query[2]) / (1 - dropout)
    assert ((kept == 0) | torch.isclose(kept, activations)).all()
    assert (kept == 0).double().mean().item() == pytest.approx(dropout, abs=0.05)
    (to_key,) = torch.autograd.grad(scores(query, keys, score_vector)[2, 5], keys)
    slope = (1 - torch.tanh(keys[image, 5] + query[2]) ** 2) * score_vector / (1 - dropout)
    assert torch.allclose(to_key[image, 5], torch.where(kept == 0, 0.0, slope))


def test_dropout_does_not_change_the_mean_score() -> None:
    torch.manual_seed(0)
    query, keys, score_vector = torch.randn(1, 64), torch.randn(1, 3, 64), torch.randn(64)
    whole = additive_scores(query, keys, score_vector, [1])
    dropped = additive_scores(query.expand(3000, 64), keys, score_vector, [3000], 0.5)
    assert torch.allclose(dropped.mean(0), whole[0], atol=0.6)
    assert dropped.std(0).min() > 1


@pytest.mark.parametrize("chunk", [1, 40, 2**20])
def test_weighted_regions_are_weighted_means(chunk: int, monkeypatch) -> None:
    monkeypatch.setitem(attention.CHUNK_ELEMENTS, "cpu", chunk)
    weights = torch.rand(8, 3, dtype=torch.float64, requires_grad=True)
    regions = torch.rand(4, 3, 5, dtype=torch.float64, requires_grad=True)
    image = torch.arange(4).repeat_interleave(torch.tensor(COUNTS))
    expected = (weights.unsqueeze(1) @ regions[image]).squeeze(1)
    assert_equal_with_gradients(weighted_regions(weights, regions, COUNTS), expected, [weights, regions])
