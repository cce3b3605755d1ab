"""Additive attention of words over the regions of their images, without ever storing (words, regions, hidden)."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

NUMBERS_AT_ONCE = {"cpu": 2**20, "cuda": 2**26, "mps": 2**26}
"""The (words, regions, hidden) tensor is made for so many numbers at a time: on a CPU few enough for its cache."""


def additive_scores(query: Tensor, keys: Tensor, direction: Tensor, counts: list[int], dropout: float = 0.0) -> Tensor:
    """How well each word's query fits each region of its image: direction · tanh(key + query), (W, R).

    ``query`` is (W, H), the words of the first image first, ``counts[n]`` of image n; ``keys`` is (N, R, H) and
    ``direction`` (H,). ``dropout`` is the share of the tanh's numbers that are dropped. Bahdanau et al. 2015, as Lu et
    al. 2017 use it.
    """
    scaled = (direction / (1 - dropout)).to(query.dtype)
    seed = int(torch.randint(2**62, ())) if dropout else 0
    return _AdditiveScores.apply(query, keys, scaled, counts, dropout, seed)


def weighted_regions(weights: Tensor, regions: Tensor, counts: list[int]) -> Tensor:
    """The mean of the regions (N, R, H) of each word's image, with the word's weights (W, R): (W, H)."""
    return _WeightedRegions.apply(weights.to(regions.dtype), regions, counts)


class _AdditiveScores(torch.autograd.Function):
    """Recomputes tanh in the backward pass: storing it would take regions × hidden numbers a word."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, keys: Tensor, direction: Tensor, counts: list[int], dropout: float, seed: int
    ) -> Tensor:
        ctx.save_for_backward(query, keys, direction)
        ctx.counts, ctx.dropout, ctx.seed = counts, dropout, seed
        scores = query.new_empty(len(query), keys.shape[1])
        masks = _Masks(dropout, seed, query.device)
        for images, words in _pieces(counts, keys):
            fits = _fits(query[words], keys[images])
            scores[words] = (masks.drop_(fits, masks.draw(fits)) @ direction).flatten(0, 1)
        return scores

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients  # (W, R)
        query, keys, direction = ctx.saved_tensors
        to_query, to_keys = torch.empty_like(query), torch.zeros_like(keys)
        to_direction = torch.zeros_like(direction)
        masks = _Masks(ctx.dropout, ctx.seed, query.device)
        for images, words in _pieces(ctx.counts, keys):
            fits = _fits(query[words], keys[images])  # (n, w, R, H)
            mask = masks.draw(fits)
            part = gradient[words].view(fits.shape[:3])
            to_direction += part.flatten() @ masks.drop_(fits, mask).flatten(0, 2)
            slope = masks.drop_(fits.square_().neg_().add_(1), mask)
            to_query[words] = (part.unsqueeze(2) @ slope).flatten(0, 2)
            to_keys[images] += (part.mT.unsqueeze(2) @ slope.transpose(1, 2)).squeeze(2)
        return to_query.mul_(direction), to_keys.mul_(direction), to_direction, None, None, None


class _Masks:
    """Dropout's choices, drawn again from the same seed in the backward pass instead of being stored."""

    def __init__(self, dropout: float, seed: int, device: torch.device):
        self.threshold = round(dropout * 2**16) - 2**15
        self.generator = torch.Generator(device).manual_seed(seed) if dropout else None

    def draw(self, values: Tensor) -> Tensor | None:
        """Which of the numbers are kept; None for all."""
        if self.generator is None:
            return None
        # 16 random bits a number. PyTorch's own dropout draws 64, which takes ten times as long as tanh itself.
        words = torch.empty(-(-values.numel() // 4), dtype=torch.int64, device=values.device)
        words.random_(-(2**63), None, generator=self.generator)
        return (words.view(torch.int16)[: values.numel()] >= self.threshold).view(values.shape)

    def drop_(self, values: Tensor, mask: Tensor | None) -> Tensor:
        """``values`` with zeros where they are not kept, in place."""
        return values if mask is None else values.mul_(mask)


class _WeightedRegions(torch.autograd.Function):
    """Products of the words of an image with its regions, which are never copied for each word."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, regions: Tensor, counts: list[int]) -> Tensor:
        ctx.save_for_backward(weights, regions)
        ctx.counts = counts
        sums = weights.new_empty(len(weights), regions.shape[2])
        for images, words in _pieces(counts, regions):
            sums[words] = (_by_image(weights[words], images) @ regions[images]).flatten(0, 1)
        return sums

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        (gradient,) = gradients  # (W, H)
        weights, regions = ctx.saved_tensors
        to_weights, to_regions = torch.empty_like(weights), torch.zeros_like(regions)
        for images, words in _pieces(ctx.counts, regions):
            part = _by_image(gradient[words], images)
            to_weights[words] = (part @ regions[images].mT).flatten(0, 1)
            to_regions[images] += _by_image(weights[words], images).mT @ part
        return to_weights, to_regions, None


def _fits(query: Tensor, keys: Tensor) -> Tensor:
    """tanh(key + query), (n, w, R, H), of n images' regions (n, R, H) and the words (n × w, H) of them all."""
    # tanh(x) = 2 sigmoid(2x) - 1, and PyTorch's sigmoid is three times as fast as its tanh on CPUs.
    query = query.view(len(keys), -1, 1, query.shape[1])
    return torch.add(2 * keys.unsqueeze(1), query, alpha=2).sigmoid_().mul_(2).sub_(1)


def _by_image(values: Tensor, images: list[int]) -> Tensor:
    return values.view(len(images), -1, values.shape[1])


def _pieces(counts: list[int], keys: Tensor) -> Iterator[tuple[list[int], slice]]:
    """Images with equally many words each, and these words, few enough to be worked on at once."""
    most = max(1, NUMBERS_AT_ONCE[keys.device.type] // (keys.shape[1] * keys.shape[2]))
    first = 0
    for count, group in groupby((image for image, count in enumerate(counts) if count), counts.__getitem__):
        alike = list(group)
        at_once = max(1, most // count)
        for images in (alike[i : i + at_once] for i in range(0, len(alike), at_once)):
            end = first + count * len(images)
            for start in range(first, end, most):
                yield images, slice(start, min(start + most, end))
            first = end
