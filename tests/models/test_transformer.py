"""The Transformer computes the same as PyTorch's own decoder."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from clcap_cli.errors import ClcapError
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.models.transformer import Transformer
from tests.models.dense_transformer import dense_decoder, dense_log_probs, image_tokens
from tests.models.factories import build_tiny_model

VOCABULARY, LONGEST, IMAGES = 11, 6, 3


def seeded_model(seed: int, image_tokens: str = "grid") -> Transformer:
    torch.manual_seed(seed)
    model = build_tiny_model("transformer", VOCABULARY, LONGEST, image_tokens=image_tokens)
    assert isinstance(model, Transformer)
    return model


def random_features(regions: Sequence[int]) -> ImageFeatures:
    """Features of images with different numbers of regions; the padding holds random numbers."""
    grid = torch.randn(len(regions), max(regions), 5)
    mask = torch.arange(max(regions)) < torch.tensor(regions).unsqueeze(1)
    return ImageFeatures(torch.randn(len(regions), 7), grid, mask)


def dense_sequence_log_probs(
    model: Transformer, features: ImageFeatures, tokens: Tensor, lengths: Tensor, image: Tensor
) -> Tensor:
    """ln p of captions, from ln p of every next token under PyTorch's decoder."""
    mask = features.mask if model.uses_grid else torch.ones(len(features), 1, dtype=torch.bool)
    images = image_tokens(model, features)[image]
    table = dense_log_probs(model, dense_decoder(model), images, mask[image], tokens)
    targets = torch.cat([tokens, torch.zeros_like(tokens[:, :1])], dim=1).scatter(1, lengths.unsqueeze(1), 0)
    chosen = table.gather(2, targets.unsqueeze(2)).squeeze(2)
    return (chosen * (torch.arange(targets.shape[1]) <= lengths.unsqueeze(1))).sum(1)


captions = st.lists(
    st.tuples(st.integers(0, IMAGES - 1), st.lists(st.integers(1, VOCABULARY - 1), max_size=LONGEST)),
    min_size=1,
    max_size=7,
)


@pytest.mark.parametrize("tokens_from", ["grid", "pooled"])
@settings(max_examples=25)
@given(captions=captions, regions=st.tuples(*[st.integers(1, 5)] * IMAGES), seed=st.integers(0, 99))
def test_log_probs_and_gradients_match_pytorch(tokens_from: str, captions: list, regions: tuple, seed: int) -> None:
    model, features = seeded_model(seed, tokens_from), random_features(regions)
    tokens = torch.zeros(len(captions), LONGEST, dtype=torch.int64)
    for row, (_, words) in enumerate(captions):
        tokens[row, : len(words)] = torch.tensor(words, dtype=torch.int64)
    lengths = torch.tensor([len(words) for _, words in captions])
    image = torch.tensor([image for image, _ in captions])
    shared = [model.words.weight, model.image.weight, model.output.weight]
    log_probs = model.sequence_log_prob(model.encode(features), tokens, lengths, image)
    expected = dense_sequence_log_probs(model, features, tokens, lengths, image)
    assert torch.allclose(log_probs, expected, atol=1e-4)
    gradients = (torch.autograd.grad(total.sum(), shared) for total in (log_probs, expected))
    for grad, expected_grad in zip(*gradients, strict=True):
        assert torch.allclose(grad, expected_grad, atol=1e-3)


def test_captions_can_be_longer_than_in_training() -> None:
    model, features = seeded_model(0), random_features([4])
    tokens = torch.randint(1, VOCABULARY, (2, 5 * LONGEST))
    lengths, image = torch.tensor([5 * LONGEST, 3 * LONGEST]), torch.zeros(2, dtype=torch.int64)
    log_probs = model.sequence_log_prob(model.encode(features), tokens, lengths, image)
    assert torch.allclose(log_probs, dense_sequence_log_probs(model, features, tokens, lengths, image), atol=1e-4)


def test_state_size_is_the_size_of_the_longest_state() -> None:
    model, features = seeded_model(0), random_features([4])
    encoded = model.encode(features)
    state, last = model.initial_state(encoded), torch.tensor([model.config.start_token])
    for _ in range(LONGEST + 1):
        _, state = model.step(encoded, torch.tensor([0]), state, last)
        last = torch.tensor([3])
    assert state.keys.numel() + state.values.numel() == model.state_size


def test_hidden_size_must_be_divisible_by_twice_the_heads() -> None:
    with pytest.raises(ClcapError, match="hidden_size 18 must be a multiple of twice the 2 heads"):
        build_tiny_model("transformer", VOCABULARY, LONGEST, hidden_size=18)
