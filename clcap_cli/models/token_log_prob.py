"""ln p of given tokens, in chunks, so that the full (positions, vocabulary) table is never stored.

PyTorch's chunked ``linear_cross_entropy`` returns only the sum over all tokens; contrastive learning needs one sum per
caption.
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from clcap_cli.models.matmul import add_product

CHUNK_ELEMENTS = {"cpu": 2**22, "cuda": 2**26, "mps": 2**26}
"""Maximum number of elements of the (positions, vocabulary) table that are computed at once, by device type.

On CPUs a chunk fits into the processor's cache.
"""
SAVED_ELEMENTS = 3 * 2**22
"""Maximum number of elements of the table that are saved for the backward pass: 48 MiB."""


def token_log_prob(hidden: Tensor, output: nn.Linear, tokens: Tensor, rows: Tensor) -> Tensor:
    """ln softmax(output(hidden)) of ``tokens`` (E,) at ``rows`` (E,) of ``hidden`` (W, H): (E,) float32.

    ``rows`` are in ascending order, and no two pairs of row and token are equal.
    """
    weight, bias = output.weight, bias_of(output)
    if torch.is_autocast_enabled(hidden.device.type):
        dtype = torch.get_autocast_dtype(hidden.device.type)
        hidden, weight = hidden.to(dtype), weight.to(dtype)
    return _TokenLogProb.apply(hidden, weight, bias, tokens, rows, torch.is_grad_enabled())


def bias_of(output: nn.Linear) -> Tensor:
    """The bias (V,) of an output layer; zeros for a layer without one."""
    # PyTorch types the bias as always present.
    return output.weight.new_zeros(len(output.weight)) if output.bias is None else output.bias


class _TokenLogProb(torch.autograd.Function):
    """Saves the logits of the first chunks for the backward pass, which recomputes those of the other chunks."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, tokens: Tensor, rows: Tensor, needs_grad: bool
    ) -> Tensor:
        normalizer, token_logits = bias.new_empty(len(hidden)), bias.new_empty(len(tokens))
        saved_rows = SAVED_ELEMENTS // len(weight) if needs_grad else 0
        saved = []
        chunks = list(_chunks(hidden, weight))
        of_chunks = _split_by_rows(rows, [chunk for chunk, _ in chunks])
        for (chunk, buffer), own in zip(chunks, of_chunks, strict=True):
            is_saved = chunk.stop <= saved_rows
            logits = _logits(hidden[chunk], weight, bias, None if is_saved else buffer)
            token_logits[own] = logits[rows[own] - chunk.start, tokens[own]]
            normalizer[chunk] = _log_sum_exp_(logits)
            saved += [logits] if is_saved else []
        ctx.save_for_backward(hidden, weight, bias, tokens, rows, normalizer, *saved)
        ctx.of_chunks = of_chunks
        return token_logits.sub_(normalizer[rows])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None, Tensor, None, None, None]:
        (grad_output,) = grads  # (E,)
        hidden, weight, bias, tokens, rows, normalizer, *saved = ctx.saved_tensors
        is_frozen = not ctx.needs_input_grad[1]
        grad_hidden = torch.empty_like(hidden)
        grad_weight = None if is_frozen else torch.empty_like(weight, dtype=bias.dtype)
        grad_bias = torch.zeros_like(bias)
        total_grad = torch.zeros_like(normalizer).index_add_(0, rows, grad_output)  # (W,)
        chunks = zip(_chunks(hidden, weight), ctx.of_chunks, strict=True)
        for number, ((chunk, buffer), own) in enumerate(chunks):
            if number < len(saved):
                exps = saved[number]
                grad_logits = torch.mul(exps, -(total_grad[chunk] / exps.sum(1)).unsqueeze(1), out=buffer)
            else:
                logits = _logits(hidden[chunk], weight, bias, buffer)
                grad_logits = logits.sub_(normalizer[chunk, None]).exp_().mul_(-total_grad[chunk, None])
            grad_logits[rows[own] - chunk.start, tokens[own]] += grad_output[own]
            grad_bias += grad_logits.sum(0)
            grad_logits = grad_logits.to(weight.dtype)
            grad_hidden[chunk] = grad_logits @ weight
            if grad_weight is not None:
                add_product(grad_weight, grad_logits.T, hidden[chunk], beta=int(number > 0))
        return grad_hidden, None if grad_weight is None else grad_weight.to(weight.dtype), grad_bias, None, None, None


def _split_by_rows(rows: Tensor, chunks: list[slice]) -> list[slice]:
    """The part of ``rows``, in ascending order, that lies in each chunk."""
    if len(chunks) == 1:  # known without waiting for a GPU
        return [slice(0, len(rows))]
    ends = torch.searchsorted(rows, torch.tensor([chunk.stop for chunk in chunks], device=rows.device)).tolist()
    return [slice(first, last) for first, last in pairwise([0, *ends])]


def log_normalizer(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """ln Σ exp(hidden · weight + bias) over the vocabulary: (W,), from (W, H), (V, H) and (V,); without gradients."""
    sums = bias.new_empty(len(hidden))
    for rows, buffer in _chunks(hidden, weight):
        sums[rows] = _log_sum_exp_(_logits(hidden[rows], weight, bias, buffer))
    return sums


def _log_sum_exp_(logits: Tensor) -> Tensor:
    """ln Σ exp of each row of ``logits`` (B, V): (B,). Overwrites ``logits`` with exp(logits - maximum of the row)."""
    largest = logits.amax(1)
    return logits.sub_(largest.unsqueeze(1)).exp_().sum(1).log_().add_(largest)


def _logits(hidden: Tensor, weight: Tensor, bias: Tensor, out: Tensor | None) -> Tensor:
    """Logits (w, V) in float32, also where the product has a lower precision."""
    if weight.dtype == bias.dtype:
        return torch.addmm(bias, hidden, weight.T, out=out)
    return torch.add(hidden @ weight.T, bias, out=out)


def _chunks(hidden: Tensor, weight: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Chunks of w positions, and a buffer (w, V) float32 for their logits; all chunks share its memory."""
    most = max(1, CHUNK_ELEMENTS[hidden.device.type] // len(weight))
    # Chunks of equal size, because products of few rows are slow.
    size = max(1, math.ceil(len(hidden) / max(1, math.ceil(len(hidden) / most))))
    buffer = weight.new_empty(size, len(weight), dtype=torch.float32)
    for first in range(0, len(hidden), size):
        rows = slice(first, min(first + size, len(hidden)))
        yield rows, buffer[: rows.stop - rows.start]
