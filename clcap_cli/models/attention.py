"""Additive attention of tokens to the regions of their images, in chunks that bound the memory.

The full (tokens, regions, hidden) tensor is never stored.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

CHUNK_ELEMENTS = {"cpu": 2**20, "cuda": 2**26, "mps": 2**26}
"""Maximum number of elements of the (tokens, regions, hidden) tensor that are computed at once, by device type.

On CPUs a chunk fits into the processor's cache.
"""


def additive_scores(
    query: Tensor, keys: Tensor, score_vector: Tensor, tokens_per_image: list[int], dropout: float = 0.0
) -> Tensor:
    """Attention scores of each token's query and each region of its image: score_vector · tanh(key + query), (W, R).

    ``query`` is (W, H), grouped by image, with ``tokens_per_image[n]`` rows for image n; ``keys`` is (N, R, H) and
    ``score_vector`` (H,). ``dropout`` is the dropout rate of the tanh's output. Bahdanau et al. 2015, as used by Lu et
    al. 2017.
    """
    scaled = (score_vector / (1 - dropout)).to(query.dtype)
    seed = int(torch.randint(2**62, ())) if dropout else 0
    return _AdditiveScores.apply(query, keys, scaled, tokens_per_image, dropout, seed)


def weighted_regions(weights: Tensor, regions: Tensor, tokens_per_image: list[int]) -> Tensor:
    """Weighted mean (W, H) of the regions (N, R, H) of each token's image, with weights (W, R)."""
    return _WeightedRegions.apply(weights.to(regions.dtype), regions, tokens_per_image)


class _AdditiveScores(torch.autograd.Function):
    """Attention scores; the backward pass recomputes tanh, which would take regions × hidden numbers per token."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        keys: Tensor,
        score_vector: Tensor,
        tokens_per_image: list[int],
        dropout: float,
        seed: int,
    ) -> Tensor:
        ctx.save_for_backward(query, keys, score_vector)
        ctx.tokens_per_image, ctx.dropout, ctx.seed = tokens_per_image, dropout, seed
        scores = query.new_empty(len(query), keys.shape[1])
        masks = _DropoutMasks(dropout, seed, query.device)
        for images, tokens in _chunks(tokens_per_image, keys):
            activations = _activations(query[tokens], keys[images])
            scores[tokens] = (masks.drop_(activations, masks.draw(activations)) @ score_vector).flatten(0, 1)
        return scores

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad_output,) = grads  # (W, R)
        query, keys, score_vector = ctx.saved_tensors
        grad_query, grad_keys = torch.empty_like(query), torch.zeros_like(keys)
        grad_score_vector = torch.zeros_like(score_vector)
        masks = _DropoutMasks(ctx.dropout, ctx.seed, query.device)
        for images, tokens in _chunks(ctx.tokens_per_image, keys):
            activations = _activations(query[tokens], keys[images])  # (n, w, R, H)
            mask = masks.draw(activations)
            grad = grad_output[tokens].view(activations.shape[:3])
            grad_score_vector += grad.flatten() @ masks.drop_(activations, mask).flatten(0, 2)
            slope = masks.drop_(activations.square_().neg_().add_(1), mask)
            grad_query[tokens] = (grad.unsqueeze(2) @ slope).flatten(0, 2)
            grad_keys[images] += (grad.mT.unsqueeze(2) @ slope.transpose(1, 2)).squeeze(2)
        return grad_query.mul_(score_vector), grad_keys.mul_(score_vector), grad_score_vector, None, None, None


class _DropoutMasks:
    """Dropout masks that the backward pass draws again from the same seed, so that they need not be stored."""

    def __init__(self, dropout: float, seed: int, device: torch.device):
        self.threshold = round(dropout * 2**16) - 2**15
        self.generator = torch.Generator(device).manual_seed(seed) if dropout else None

    def draw(self, values: Tensor) -> Tensor | None:
        """Boolean mask of the elements to keep, in the shape of ``values``; None without dropout."""
        if self.generator is None:
            return None
        # 16 random bits per element; PyTorch's dropout draws 64, which takes ten times as long as tanh itself.
        tokens = torch.empty(-(-values.numel() // 4), dtype=torch.int64, device=values.device)
        tokens.random_(-(2**63), None, generator=self.generator)
        return (tokens.view(torch.int16)[: values.numel()] >= self.threshold).view(values.shape)

    def drop_(self, values: Tensor, mask: Tensor | None) -> Tensor:
        """Set the elements outside the mask to zero, in place."""
        return values if mask is None else values.mul_(mask)


class _WeightedRegions(torch.autograd.Function):
    """Weighted means of regions; the regions are never copied for each token."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, regions: Tensor, tokens_per_image: list[int]) -> Tensor:
        ctx.save_for_backward(weights, regions)
        ctx.tokens_per_image = tokens_per_image
        means = weights.new_empty(len(weights), regions.shape[2])
        for images, tokens in _chunks(tokens_per_image, regions):
            means[tokens] = (_grouped_by_image(weights[tokens], images) @ regions[images]).flatten(0, 1)
        return means

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        (grad_output,) = grads  # (W, H)
        weights, regions = ctx.saved_tensors
        grad_weights, grad_regions = torch.empty_like(weights), torch.zeros_like(regions)
        for images, tokens in _chunks(ctx.tokens_per_image, regions):
            grad = _grouped_by_image(grad_output[tokens], images)
            grad_weights[tokens] = (grad @ regions[images].mT).flatten(0, 1)
            grad_regions[images] += _grouped_by_image(weights[tokens], images).mT @ grad
        return grad_weights, grad_regions, None


def _activations(query: Tensor, keys: Tensor) -> Tensor:
    """tanh(key + query), (n, w, R, H), from keys (n, R, H) of n images and queries (n × w, H) of w tokens each."""
    # tanh(x) = 2 sigmoid(2x) - 1, and PyTorch's sigmoid is three times as fast as its tanh on CPUs.
    query = query.view(len(keys), -1, 1, query.shape[1])
    return torch.add(2 * keys.unsqueeze(1), query, alpha=2).sigmoid_().mul_(2).sub_(1)


def _grouped_by_image(values: Tensor, images: list[int]) -> Tensor:
    return values.view(len(images), -1, values.shape[1])


def _chunks(tokens_per_image: list[int], keys: Tensor) -> Iterator[tuple[list[int], slice]]:
    """Chunks of at most ``CHUNK_ELEMENTS``: images with the same number of tokens, and the slice of these tokens."""
    max_tokens = max(1, CHUNK_ELEMENTS[keys.device.type] // (keys.shape[1] * keys.shape[2]))
    first = 0
    for count, group in groupby(
        (image for image, count in enumerate(tokens_per_image) if count), tokens_per_image.__getitem__
    ):
        same_count = list(group)
        images_per_chunk = max(1, max_tokens // count)
        for images in (same_count[i : i + images_per_chunk] for i in range(0, len(same_count), images_per_chunk)):
            end = first + count * len(images)
            for start in range(first, end, max_tokens):
                yield images, slice(start, min(start + max_tokens, end))
            first = end
