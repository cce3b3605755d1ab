"""An LSTM layer that runs over packed captions, with its products taken for all words at once where they can be."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from clcap_cli.models.matmul import add_product
from clcap_cli.models.rows import Rows


@dataclass(frozen=True)
class LSTMState(Rows):
    """Hidden state and cell, both (B, hidden)."""

    h: Tensor
    c: Tensor


class LSTM(nn.Module):
    """One LSTM layer (Hochreiter & Schmidhuber 1997) that also gives the cell after each step."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.input = nn.Linear(input_size, 4 * hidden_size)
        self.recurrent = nn.Linear(hidden_size, 4 * hidden_size, bias=False)

    def zeros(self, rows: int) -> LSTMState:
        """The state before anything was seen."""
        zero = self.recurrent.weight.new_zeros(rows, self.recurrent.in_features)
        return LSTMState(zero, zero)

    def step(self, projected: Tensor, state: LSTMState) -> LSTMState:
        """The state after one input, given ``self.input`` of it, (B, 4 × hidden)."""
        return self.unroll(projected, [len(projected)], state)

    def unroll(self, projected: Tensor, batch_sizes: list[int], state: LSTMState) -> LSTMState:
        """The states after every word of packed captions, (W, hidden) each, given ``self.input`` of all words."""
        return LSTMState(*_Unroll.apply(projected, self.recurrent.weight, state.h, state.c, batch_sizes))


def before_each(after: Tensor, batch_sizes: list[int], start: Tensor) -> Tensor:
    """h_{t-1} for every packed word, from h_t of them all (W, hidden) and the start (B, hidden)."""
    earlier = [start, *after.split(batch_sizes)[:-1]]
    return torch.cat([h[:size] for h, size in zip(earlier, batch_sizes, strict=True)])


class _Unroll(torch.autograd.Function):
    """The recurrence. Its own backward pass takes the weight's gradient in one product over all words."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, weight: Tensor, h: Tensor, c: Tensor, batch_sizes: list[int]
    ) -> tuple[Tensor, Tensor]:
        gates = projected.to(torch.float32, copy=True)  # (W, 4 × hidden), where i, f, g and o come to stand
        weight = weight.to(projected.dtype)
        hidden, cell = (gates.new_empty(len(gates), h.shape[1]) for _ in range(2))
        activated_cell = torch.empty_like(cell) if any(ctx.needs_input_grad) else None
        before_h, before_c = h, c
        for rows in _steps(batch_sizes):
            now, count = gates[rows], rows.stop - rows.start
            add_product(now, before_h[:count], weight.T)
            i, f, g, o = _activated(now)
            torch.mul(f, before_c[:count], out=cell[rows]).addcmul_(i, g)
            activated = _tanh(cell[rows])
            torch.mul(o, activated, out=hidden[rows])
            if activated_cell is not None:
                activated_cell[rows] = activated
            before_h, before_c = hidden[rows], cell[rows]
        if activated_cell is not None:
            ctx.save_for_backward(gates, weight, h, c, hidden, cell, activated_cell)
            ctx.batch_sizes = batch_sizes
        return hidden, cell

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        to_hidden, to_cell = gradients
        gates, weight, h, c, hidden, cell, activated_cell = ctx.saved_tensors
        steps = _steps(ctx.batch_sizes)
        to_gates = torch.empty_like(gates)
        to_h, to_c = torch.zeros_like(h, dtype=gates.dtype), torch.zeros_like(c, dtype=gates.dtype)
        for rows, before in zip(reversed(steps), [*reversed(steps[:-1]), None], strict=True):
            count = rows.stop - rows.start
            before_c = c[:count] if before is None else cell[before][:count]
            i, f, g, o = gates[rows].chunk(4, dim=1)
            activated = activated_cell[rows]
            on_h = to_hidden[rows] + to_h[:count]
            on_c = (on_h * o).mul_(1 - activated * activated).add_(to_c[:count]).add_(to_cell[rows])
            to_i, to_f, to_g, to_o = to_gates[rows].chunk(4, dim=1)
            torch.mul(on_c, g, out=to_i).mul_(i - i * i)
            torch.mul(on_c, before_c, out=to_f).mul_(f - f * f)
            torch.mul(on_c, i, out=to_g).mul_(1 - g * g)
            torch.mul(on_h, activated, out=to_o).mul_(o - o * o)
            torch.mul(on_c, f, out=to_c[:count])
            to_h[:count] = to_gates[rows].to(weight.dtype) @ weight
        to_gates = to_gates.to(weight.dtype)
        before_h = before_each(hidden, ctx.batch_sizes, h)
        to_weight = (to_gates.T @ before_h.to(weight.dtype)).to(gates.dtype)
        return to_gates, to_weight, to_h, to_c, None


def _steps(batch_sizes: list[int]) -> list[slice]:
    """The words of each time step."""
    ends = torch.tensor(batch_sizes).cumsum(0).tolist()
    return [slice(end - size, end) for size, end in zip(batch_sizes, ends, strict=True)]


def _activated(gates: Tensor) -> tuple[Tensor, ...]:
    """Squash i, f, g and o, (B, 4 × hidden), in place."""
    i, f, g, o = gates.chunk(4, dim=1)
    g.mul_(2)  # tanh(x) = 2 sigmoid(2x) - 1: one sigmoid for them all
    gates.sigmoid_()
    g.mul_(2).sub_(1)
    return i, f, g, o


def _tanh(values: Tensor) -> Tensor:
    # PyTorch's sigmoid is three times as fast as its tanh on CPUs.
    return (2 * values).sigmoid_().mul_(2).sub_(1)
