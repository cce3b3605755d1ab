"""ln p of given words, without ever storing the table of every position's whole vocabulary."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from clcap_cli.models.products import add_product

NUMBERS_AT_ONCE = {"cpu": 2**21, "cuda": 2**26, "mps": 2**26}
"""The (positions, vocabulary) table is made for so many numbers at a time: on a CPU few enough for its cache."""


def word_log_prob(hidden: Tensor, output: nn.Linear, words: Tensor) -> Tensor:
    """ln softmax(output(hidden)) at ``words``: (W,) float32, from ``hidden`` (W, H) and ``words`` (W,)."""
    weight, bias = output.weight, output.bias
    if torch.is_autocast_enabled(hidden.device.type):
        dtype = torch.get_autocast_dtype(hidden.device.type)
        hidden, weight = hidden.to(dtype), weight.to(dtype)
    return _WordLogProb.apply(hidden, weight, bias, words)


class _WordLogProb(torch.autograd.Function):
    """Computes a block's scores again in the backward pass instead of keeping them."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, words: Tensor) -> Tensor:
        normalizer, chosen = (bias.new_empty(len(hidden)) for _ in range(2))
        for rows in _blocks(hidden, weight):
            scores = _scores(hidden[rows], weight, bias)
            chosen[rows] = scores.gather(1, words[rows].unsqueeze(1)).squeeze(1)
            normalizer[rows] = _log_sum_exp_(scores)
        ctx.save_for_backward(hidden, weight, bias, words, normalizer)
        return chosen.sub_(normalizer)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        (gradient,) = gradients  # (W,)
        hidden, weight, bias, words, normalizer = ctx.saved_tensors
        to_hidden = torch.empty_like(hidden)
        to_weight, to_bias = torch.zeros_like(weight, dtype=bias.dtype), torch.zeros_like(bias)
        for rows in _blocks(hidden, weight):
            scores = _scores(hidden[rows], weight, bias)
            to_scores = scores.sub_(normalizer[rows, None]).exp_().mul_(-gradient[rows, None])
            to_scores.scatter_add_(1, words[rows, None], gradient[rows, None])
            to_bias += to_scores.sum(0)
            to_scores = to_scores.to(weight.dtype)
            to_hidden[rows] = to_scores @ weight
            add_product(to_weight, to_scores.T, hidden[rows])
        return to_hidden, to_weight.to(weight.dtype), to_bias, None


def log_normalizer(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """ln Σ exp of hidden · weight + bias over the words: (W,), from (W, H), (V, H) and (V,); no gradient."""
    parts = [_log_sum_exp_(_scores(hidden[rows], weight, bias)) for rows in _blocks(hidden, weight)]
    return torch.cat(parts) if parts else bias.new_empty(0)


def _log_sum_exp_(scores: Tensor) -> Tensor:
    """ln Σ exp of each row of ``scores`` (B, V), which it overwrites: (B,)."""
    largest = scores.amax(1)
    return scores.sub_(largest.unsqueeze(1)).exp_().sum(1).log_().add_(largest)


def _scores(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """(w, V), float32 even where the product is not."""
    if weight.dtype == bias.dtype:
        return torch.addmm(bias, hidden, weight.T)
    return (hidden @ weight.T).float().add_(bias)


def _blocks(hidden: Tensor, weight: Tensor) -> Iterator[slice]:
    size = max(1, NUMBERS_AT_ONCE[hidden.device.type] // len(weight))
    for first in range(0, len(hidden), size):
        yield slice(first, min(first + size, len(hidden)))
