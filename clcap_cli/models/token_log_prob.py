"""ln p of given words, without storing the table of every position's whole vocabulary.

PyTorch's chunked ``linear_cross_entropy`` gives the sum over all words; contrastive learning needs each caption's own.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from clcap_cli.models.matmul import add_product

NUMBERS_AT_ONCE = {"cpu": 2**22, "cuda": 2**26, "mps": 2**26}
"""The (positions, vocabulary) table is made for so many numbers at a time: on a CPU few enough for its cache."""
KEPT = 3 * 2**22
"""At most so many numbers of it are kept for the backward pass: 48 MiB, whatever the number of words."""


def token_log_prob(hidden: Tensor, output: nn.Linear, words: Tensor) -> Tensor:
    """ln softmax(output(hidden)) at ``words``: (W,) float32, from ``hidden`` (W, H) and ``words`` (W,)."""
    weight, bias = output.weight, output.bias
    if torch.is_autocast_enabled(hidden.device.type):
        dtype = torch.get_autocast_dtype(hidden.device.type)
        hidden, weight = hidden.to(dtype), weight.to(dtype)
    return _TokenLogProb.apply(hidden, weight, bias, words)


class _TokenLogProb(torch.autograd.Function):
    """Keeps the scores of the first blocks for the backward pass, and there computes those of the others again."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, words: Tensor) -> Tensor:
        normalizer, chosen = (bias.new_empty(len(hidden)) for _ in range(2))
        room = KEPT // len(weight) if any(ctx.needs_input_grad) else 0
        kept = []
        for rows, buffer in _blocks(hidden, weight):
            keeps = rows.stop <= room
            scores = _scores(hidden[rows], weight, bias, None if keeps else buffer)
            chosen[rows] = scores.gather(1, words[rows].unsqueeze(1)).squeeze(1)
            normalizer[rows] = _log_sum_exp_(scores)
            kept += [scores] if keeps else []
        ctx.save_for_backward(hidden, weight, bias, words, normalizer, *kept)
        return chosen.sub_(normalizer)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        (gradient,) = gradients  # (W,)
        hidden, weight, bias, words, normalizer, *kept = ctx.saved_tensors
        to_hidden = torch.empty_like(hidden)
        to_weight, to_bias = torch.zeros_like(weight, dtype=bias.dtype), torch.zeros_like(bias)
        for number, (rows, buffer) in enumerate(_blocks(hidden, weight)):
            if number < len(kept):
                exps = kept[number]
                to_scores = torch.mul(exps, -(gradient[rows] / exps.sum(1)).unsqueeze(1), out=buffer)
            else:
                scores = _scores(hidden[rows], weight, bias, buffer)
                to_scores = scores.sub_(normalizer[rows, None]).exp_().mul_(-gradient[rows, None])
            to_scores.scatter_add_(1, words[rows, None], gradient[rows, None])
            to_bias += to_scores.sum(0)
            to_scores = to_scores.to(weight.dtype)
            to_hidden[rows] = to_scores @ weight
            add_product(to_weight, to_scores.T, hidden[rows])
        return to_hidden, to_weight.to(weight.dtype), to_bias, None


def log_normalizer(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """ln Σ exp of hidden · weight + bias over the words: (W,), from (W, H), (V, H) and (V,); no gradient."""
    sums = bias.new_empty(len(hidden))
    for rows, buffer in _blocks(hidden, weight):
        sums[rows] = _log_sum_exp_(_scores(hidden[rows], weight, bias, buffer))
    return sums


def _log_sum_exp_(scores: Tensor) -> Tensor:
    """ln Σ exp of each row of ``scores`` (B, V), which becomes exp(score - the row's largest): (B,)."""
    largest = scores.amax(1)
    return scores.sub_(largest.unsqueeze(1)).exp_().sum(1).log_().add_(largest)


def _scores(hidden: Tensor, weight: Tensor, bias: Tensor, out: Tensor | None) -> Tensor:
    """(w, V), float32 even where the product is not."""
    if weight.dtype == bias.dtype:
        return torch.addmm(bias, hidden, weight.T, out=out)
    return torch.add(hidden @ weight.T, bias, out=out)


def _blocks(hidden: Tensor, weight: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Some of the positions each, and room for their scores, (w, V) float32, which is the same memory every time."""
    size = max(1, min(NUMBERS_AT_ONCE[hidden.device.type] // len(weight), len(hidden)))
    buffer = weight.new_empty(size, len(weight), dtype=torch.float32)
    for first in range(0, len(hidden), size):
        rows = slice(first, min(first + size, len(hidden)))
        yield rows, buffer[: rows.stop - rows.start]
