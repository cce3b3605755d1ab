"""Additive attention of tokens to the regions of their images, in chunks that bound the memory.

The full (tokens, regions, hidden) tensor is never stored. With r = 1 / (1 + e^2x), tanh(x) is 1 - 2r and its slope is
4 (r - r²). For x = key + query, e^2x is a product of e^2key, computed once per region, and e^2query, computed once per
token, so that an element of the large tensor takes one multiplication, one addition and one reciprocal.
"""

import math
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from clcap_cli.models.image_groups import image_groups, with_padding_row

CHUNK_ELEMENTS = {"cpu": 2**20, "cuda": 2**26, "mps": 2**26}
"""Maximum number of elements of the (tokens, regions, hidden) tensor that are computed at once, by device type.

On CPUs a chunk fits into the processor's cache.
"""


def additive_scores(
    query: Tensor, keys: Tensor, score_vector: Tensor, tokens_per_image: list[int], dropout: float = 0.0
) -> Tensor:
    """Attention scores of each token's query and each region of its image: score_vector · tanh(key + query), (W, R).

    ``query`` is (W, H), grouped by image, with ``tokens_per_image[n]`` rows for image n; ``keys`` is (N, R, H) and
    ``score_vector`` (H,). ``dropout`` is the dropout rate of the tanh's output. Scores are computed in float32 at
    least. Bahdanau et al. 2015, as used by Lu et al. 2017.
    """
    dtype = torch.promote_types(query.dtype, torch.float32)
    query, keys, scaled = query.to(dtype), keys.to(dtype), score_vector.to(dtype) / (1 - dropout)
    seed = int(torch.randint(2**62, ())) if dropout else 0
    return _AdditiveScores.apply(query, keys, scaled, tokens_per_image, dropout, seed)


def weighted_regions(weights: Tensor, regions: Tensor, tokens_per_image: list[int]) -> Tensor:
    """Weighted mean (W, H) of the regions (N, R, H) of each token's image, with weights (W, R)."""
    return _WeightedRegions.apply(weights.to(regions.dtype), regions, tokens_per_image)


def _without_autocast(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run a pass of an autograd function in the precision of its tensors, also where autocast is enabled."""

    @wraps(function)
    def run(ctx: Any, tensor: Tensor, *others: Any) -> Any:
        with torch.autocast(tensor.device.type, enabled=False):
            return function(ctx, tensor, *others)

    return run


class _AdditiveScores(torch.autograd.Function):
    """Attention scores; the backward pass recomputes tanh, which would take regions × hidden numbers per token."""

    @staticmethod
    @_without_autocast
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
        query = with_padding_row(query)
        ctx.in_range = _exponentials_are_in_range(query, keys)
        scores = query.new_empty(len(query), keys.shape[1])
        masks = _DropoutMasks(dropout, seed, query.device)
        for _, positions, r in _reciprocals(query, keys, tokens_per_image, ctx.in_range):
            mask = masks.draw(r)
            kept = score_vector.sum() if mask is None else mask @ score_vector
            scores[positions] = (masks.drop_(r, mask) @ score_vector).mul_(-2).add_(kept)
        return scores[:-1]

    @staticmethod
    @_without_autocast
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        query, keys, score_vector = ctx.saved_tensors
        query, grad_scores = with_padding_row(query), with_padding_row(grads[0])
        grad_query, grad_keys = torch.empty_like(query), torch.zeros_like(keys)
        grad_score_vector = torch.zeros_like(score_vector)
        masks = _DropoutMasks(ctx.dropout, ctx.seed, query.device)
        for images, positions, r in _reciprocals(query, keys, ctx.tokens_per_image, ctx.in_range):
            mask, grad = masks.draw(r), grad_scores[positions]  # (n, w, R, H), (n, w, R)
            kept = grad.sum() if mask is None else grad.flatten() @ mask.flatten(0, 2)
            grad_score_vector += kept - 2 * (grad.flatten() @ masks.drop_(r, mask).flatten(0, 2))
            slope = r.addcmul_(r, r, value=-1)
            grad_query[positions] = (grad.unsqueeze(2) @ slope).squeeze(2)
            # Without contiguous(), PyTorch's batched product takes several times as long on CPUs.
            grad_keys[images] += (grad.mT.contiguous().unsqueeze(2) @ slope.transpose(1, 2)).squeeze(2)
        scale = 4 * score_vector
        return grad_query[:-1].mul_(scale), grad_keys.mul_(scale), grad_score_vector, None, None, None


def _exponentials_are_in_range(query: Tensor, keys: Tensor) -> bool:
    """Whether e^2query and e^2key are finite and normal numbers. Waits for a GPU, so it is decided once per call."""
    largest = torch.stack([*query.aminmax(), *keys.aminmax()]).abs().max()
    return bool(2 * largest < -math.log(torch.finfo(keys.dtype).tiny))


def _reciprocals(
    query: Tensor, keys: Tensor, tokens_per_image: list[int], in_range: bool
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """1 / (1 + e^2(key + query)) in chunks: n images, the positions (n, w) of w queries each, and values (n, w, R, H).

    ``query`` has a padding row. All chunks share their memory.
    """
    max_tokens = _max_tokens(keys)
    buffer = keys.new_empty(min(max_tokens, 2 * len(query)), *keys.shape[1:])
    for images, positions in image_groups(tokens_per_image, max_tokens, keys.device):
        exponentials = _Exponentials(query[positions], keys[images], in_range)
        size = math.ceil(positions.shape[1] / math.ceil(positions.numel() / max_tokens))
        for first, chunk in zip(range(0, positions.shape[1], size), positions.split(size, dim=1), strict=True):
            out = buffer[: chunk.numel()].view(*chunk.shape, *keys.shape[1:])
            yield images, chunk, exponentials.reciprocals(slice(first, first + size), out)


def _max_tokens(keys: Tensor) -> int:
    """Maximum number of tokens in a chunk."""
    return max(1, CHUNK_ELEMENTS[keys.device.type] // keys[0].numel())


class _Exponentials:
    """e^2query (n, M, 1, H) and e^2key (n, 1, R, H) or, where some are not in range, 2 query and 2 key."""

    def __init__(self, query: Tensor, keys: Tensor, in_range: bool):
        self.query, self.keys, self.in_range = 2 * query.unsqueeze(2), 2 * keys.unsqueeze(1), in_range
        if in_range:
            self.query.exp_()
            self.keys.exp_()
        self.ones = keys.new_ones(keys.shape[2])

    def reciprocals(self, tokens: slice, out: Tensor) -> Tensor:
        """1 / (1 + e^2(key + query)) of some of the M tokens."""
        query = self.query[:, tokens]
        if self.in_range:
            return torch.addcmul(self.ones, self.keys, query, out=out).reciprocal_()
        return torch.add(self.keys, query, out=out).neg_().sigmoid_()


class _DropoutMasks:
    """Dropout masks that the backward pass draws again from the same seed, so that they need not be stored."""

    def __init__(self, dropout: float, seed: int, device: torch.device):
        self.threshold = round(dropout * 2**16) - 2**15
        self.generator = torch.Generator(device).manual_seed(seed) if dropout else None

    def draw(self, values: Tensor) -> Tensor | None:
        """Mask like ``values``: 1 for the elements to keep, 0 for the others. None without dropout."""
        if self.generator is None:
            return None
        # 16 random bits per element; PyTorch's dropout draws 64, which takes much longer than all other operations.
        tokens = torch.empty(-(-values.numel() // 4), dtype=torch.int64, device=values.device)
        tokens.random_(-(2**63), None, generator=self.generator)
        bits = tokens.view(torch.int16)[: values.numel()].view(values.shape)
        return torch.ge(bits, self.threshold, out=torch.empty_like(values))

    def drop_(self, values: Tensor, mask: Tensor | None) -> Tensor:
        """Set the elements outside the mask to zero, in place."""
        return values if mask is None else values.mul_(mask)


class _WeightedRegions(torch.autograd.Function):
    """Weighted means of regions; the regions are never copied for each token."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, regions: Tensor, tokens_per_image: list[int]) -> Tensor:
        ctx.save_for_backward(weights, regions)
        ctx.tokens_per_image = tokens_per_image
        weights = with_padding_row(weights)
        means = weights.new_empty(len(weights), regions.shape[2])
        for images, positions in image_groups(tokens_per_image, _max_tokens(regions), regions.device):
            means[positions] = weights[positions] @ regions[images]
        return means[:-1]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        weights, regions = ctx.saved_tensors
        weights, grad_means = with_padding_row(weights), with_padding_row(grads[0])
        grad_weights, grad_regions = torch.empty_like(weights), torch.zeros_like(regions)
        for images, positions in image_groups(ctx.tokens_per_image, _max_tokens(regions), regions.device):
            grad = grad_means[positions]
            grad_weights[positions] = grad @ regions[images].mT
            grad_regions[images] = weights[positions].mT @ grad
        return grad_weights[:-1], grad_regions, None
