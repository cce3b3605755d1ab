"""Additive attention of words over the regions of their images, without ever storing (words, regions, hidden)."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

NUMBERS_AT_ONCE = {"cpu": 2**20, "cuda": 2**26, "mps": 2**26}
"""The (words, regions, hidden) tensor is made for so many numbers at a time: on a CPU few enough for its cache."""


def additive_scores(query: Tensor, keys: Tensor, direction: Tensor, counts: list[int]) -> Tensor:
    """How well each word's query fits each region of its image: direction · tanh(key + query), (W, R).

    ``query`` is (W, H), the words of the first image first, ``counts[n]`` of image n; ``keys`` is (N, R, H) and
    ``direction`` (H,). Bahdanau et al. 2015, as Lu et al. 2017 use it.
    """
    return _AdditiveScores.apply(query, keys, direction, counts)


def weighted_regions(weights: Tensor, regions: Tensor, counts: list[int]) -> Tensor:
    """The mean of the regions (N, R, H) of each word's image, with the word's weights (W, R): (W, H)."""
    parts = zip(weights.split(counts), regions, strict=True)
    return torch.cat([share @ own for share, own in parts])


class _AdditiveScores(torch.autograd.Function):
    """Recomputes tanh in the backward pass: storing it would take regions × hidden numbers a word."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, keys: Tensor, direction: Tensor, counts: list[int]) -> Tensor:
        ctx.save_for_backward(query, keys, direction)
        ctx.counts = counts
        scores = query.new_empty(len(query), keys.shape[1])
        for image, words in _pieces(counts, keys):
            scores[words] = _fits(query[words], keys[image]) @ direction
        return scores

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        (gradient,) = gradients  # (W, R)
        query, keys, direction = ctx.saved_tensors
        to_query, to_keys = torch.empty_like(query), torch.zeros_like(keys)
        to_direction = torch.zeros_like(direction)
        for image, words in _pieces(ctx.counts, keys):
            part = gradient[words]  # (w, R)
            fits = _fits(query[words], keys[image])  # (w, R, H)
            to_direction += part.flatten() @ fits.flatten(0, 1)
            slope = fits.square_().neg_().add_(1)
            to_query[words] = torch.bmm(part.unsqueeze(1), slope).squeeze(1)
            to_keys[image] += torch.bmm(part.T.unsqueeze(1), slope.transpose(0, 1)).squeeze(1)
        return to_query.mul_(direction), to_keys.mul_(direction), to_direction, None


def _fits(query: Tensor, keys: Tensor) -> Tensor:
    """tanh(key + query), (w, R, H), of words (w, H) and one image's regions (R, H)."""
    # tanh(x) = 2 sigmoid(2x) - 1, and PyTorch's sigmoid is three times as fast as its tanh on CPUs.
    return torch.add(2 * keys, query.unsqueeze(1), alpha=2).sigmoid_().mul_(2).sub_(1)


def _pieces(counts: list[int], keys: Tensor) -> Iterator[tuple[int, slice]]:
    """Images, and slices of their words, small enough to be worked on at once."""
    size = max(1, NUMBERS_AT_ONCE[keys.device.type] // (keys.shape[1] * keys.shape[2]))
    first = 0
    for image, count in enumerate(counts):
        for start in range(first, first + count, size):
            yield image, slice(start, min(start + size, first + count))
        first += count
