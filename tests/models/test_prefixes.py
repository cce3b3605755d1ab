"""Captions of an image share the computation of their common prefixes, without a change of ln p or gradients."""

import pytest
import torch
from torch import Tensor

from clcap_cli.models.captioner import Captioner
from clcap_cli.models.prefixes import Prefixes, compute_per_token, distinct_prefixes, next_tokens
from clcap_cli.models.registry import MODELS
from clcap_cli.models.rows import ImageFeatures
from tests.models.factories import build_tiny_model

CAPTIONS = torch.tensor([[3, 4, 5], [3, 4, 6], [3, 4, 5], [3, 4, 9], [3, 4, 0], [0, 0, 0], [7, 8, 1]])
LENGTHS, IMAGES = torch.tensor([3, 3, 3, 2, 2, 0, 3]), torch.tensor([0, 0, 0, 0, 1, 1, 0])
START, END = 11, 0


def prefixes_of(captions: Tensor, lengths: Tensor, images: Tensor, shared: bool = True) -> Prefixes:
    starts = torch.full_like(captions[:, :1], START)
    return distinct_prefixes(torch.cat([starts, captions], dim=1), lengths + 1, images, shared)


def texts(prefixes: Prefixes) -> list[tuple[int, ...]]:
    """The image and the tokens of every prefix."""
    found: list[tuple[int, ...]] = []
    for row, (token, parent) in enumerate(zip(prefixes.tokens.tolist(), prefixes.levels.parent.tolist(), strict=True)):
        found.append((*((parent,) if row < prefixes.levels.sizes[0] else found[parent]), token))
    return found


def test_every_prefix_of_an_image_occurs_once() -> None:
    expected = [
        {(0, 11), (1, 11)},
        {(0, 11, 3), (0, 11, 7), (1, 11, 3)},
        {(0, 11, 3, 4), (0, 11, 7, 8), (1, 11, 3, 4)},
        {(0, 11, 3, 4, 5), (0, 11, 3, 4, 6), (0, 11, 7, 8, 1)},
    ]
    prefixes = prefixes_of(CAPTIONS, LENGTHS, IMAGES)
    found = texts(prefixes)
    assert prefixes.levels.sizes == [len(level) for level in expected]
    for (rows, _), level in zip(prefixes.levels, expected, strict=True):
        assert set(found[rows]) == level
    assert prefixes.image.tolist() == [text[0] for text in found]
    assert prefixes.time_step.tolist() == [len(text) - 2 for text in found]


def test_predictions_are_the_tokens_after_prefixes() -> None:
    predictions = next_tokens(prefixes_of(CAPTIONS, LENGTHS, IMAGES), END)
    found = texts(predictions.prefixes)
    pairs = {
        (*found[prefix], token)
        for prefix, token in zip(predictions.prefix.tolist(), predictions.targets.tolist(), strict=True)
    }
    expected = {
        (image, START, *caption[:step], *[*caption, END][step : step + 1])
        for image, row, length in zip(IMAGES.tolist(), CAPTIONS.tolist(), LENGTHS.tolist(), strict=True)
        for caption in [row[:length]]
        for step in range(length + 1)
    }
    assert pairs == expected
    assert len(predictions.targets) == len(expected)
    assert predictions.prefix.tolist() == sorted(predictions.prefix.tolist())


def test_captions_that_share_nothing_keep_all_their_prefixes() -> None:
    prefixes = prefixes_of(CAPTIONS, LENGTHS, IMAGES, shared=False)
    assert len(prefixes.tokens) == int((LENGTHS + 1).sum())
    assert prefixes.levels.parent[: len(CAPTIONS)].tolist() == IMAGES.tolist()


def test_values_of_prefixes_return_to_the_captions_steps() -> None:
    prefixes = prefixes_of(CAPTIONS, LENGTHS, IMAGES)
    tokens = prefixes.values_by_step(prefixes.tokens)
    for row, caption, length in zip(tokens.tolist(), CAPTIONS.tolist(), LENGTHS.tolist(), strict=True):
        assert row == [START, *caption[:length], *[0] * (3 - length)]


def test_each_distinct_token_is_computed_once() -> None:
    computed = []
    result = compute_per_token(
        torch.tensor([4, 2, 4, 4]), lambda tokens: computed.append(tokens) or tokens.unsqueeze(1) * 10
    )
    assert result.tolist() == [[40], [20], [40], [40]]
    assert computed[0].tolist() == [2, 4]


def random_batch(seed: int) -> tuple[ImageFeatures, Tensor, Tensor, Tensor]:
    """Captions of two tokens to choose from, so that many share prefixes, in random order."""
    torch.manual_seed(seed)
    captions, lengths = torch.randint(2, 4, (24, 5)), torch.randint(0, 6, (24,))
    return ImageFeatures(torch.randn(3, 7), torch.randn(3, 4, 5)), captions, lengths, torch.randint(0, 3, (24,))


def log_probs_and_gradients(model: Captioner, *batch) -> list[Tensor]:
    log_probs = model(*batch)
    weights = torch.linspace(-1, 1, len(log_probs))
    return [log_probs, *torch.autograd.grad(log_probs @ weights, list(model.parameters()), allow_unused=True)]


@pytest.mark.parametrize("name", MODELS.names)
@pytest.mark.parametrize("seed", range(3))
def test_log_probs_and_gradients_are_those_of_captions_alone(name: str, seed: int) -> None:
    features, captions, lengths, images = random_batch(seed)
    model = build_tiny_model(name, 11, 6)
    together = log_probs_and_gradients(model, features, captions, lengths, images)
    weights = torch.linspace(-1, 1, len(captions))
    alone = [model(features, *(part[row : row + 1] for part in (captions, lengths, images))) for row in range(24)]
    log_probs = torch.cat(alone)
    gradients = torch.autograd.grad(log_probs @ weights, list(model.parameters()), allow_unused=True)
    for one, other in zip(together, [log_probs, *gradients], strict=True):
        assert (one is None and other is None) or torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("name", MODELS.names)
def test_captions_with_dropout_have_masks_of_their_own(name: str) -> None:
    features, _, _, _ = random_batch(0)
    model = build_tiny_model(name, 11, 6, dropout=0.9).train()
    captions = torch.tensor([[3, 4], [3, 4]]), torch.tensor([2, 2]), torch.tensor([0, 0])
    first, second = model(features, *captions).tolist()
    assert first != second


@pytest.mark.parametrize("name", MODELS.names)
def test_features_that_are_not_finite_spoil_only_their_image(name: str) -> None:
    features, captions, lengths, images = random_batch(0)
    features.pooled[0] = torch.nan
    features.grid[0] = torch.nan
    log_probs = build_tiny_model(name, 11, 6)(features, captions, lengths, images)
    assert torch.equal(log_probs.isfinite(), images != 0)
