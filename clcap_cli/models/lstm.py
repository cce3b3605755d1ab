"""An LSTM layer over packed captions that computes matrix products for all tokens at once where possible."""

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
    """One LSTM layer (Hochreiter & Schmidhuber 1997) that also returns the cell after each step."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.input = nn.Linear(input_size, 4 * hidden_size)
        self.recurrent = nn.Linear(hidden_size, 4 * hidden_size, bias=False)

    def zero_state(self, rows: int) -> LSTMState:
        """The all-zero initial state, with ``rows`` rows."""
        zero = self.recurrent.weight.new_zeros(rows, self.recurrent.in_features)
        return LSTMState(zero, zero)

    def step(self, projected: Tensor, state: LSTMState) -> LSTMState:
        """The state after one more input; ``projected`` (B, 4 × hidden) is ``self.input`` of that input."""
        return self.unroll(projected, [len(projected)], state)

    def unroll(self, projected: Tensor, batch_sizes: list[int], state: LSTMState) -> LSTMState:
        """The states after each token of packed captions, W rows; ``projected`` is ``self.input`` of all W inputs."""
        return LSTMState(*_Unroll.apply(projected, self.recurrent.weight, state.h, state.c, batch_sizes))


def previous_states(after: Tensor, batch_sizes: list[int], start: Tensor) -> Tensor:
    """h_{t-1} for each packed token, from h_t of all tokens (W, hidden) and the initial h (B, hidden)."""
    earlier = [start, *after.split(batch_sizes)[:-1]]
    return torch.cat([h[:size] for h, size in zip(earlier, batch_sizes, strict=True)])


class _Unroll(torch.autograd.Function):
    """The recurrence; its backward pass computes the weight's gradient as one product over all tokens."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, weight: Tensor, h: Tensor, c: Tensor, batch_sizes: list[int]
    ) -> tuple[Tensor, Tensor]:
        gates = projected.to(torch.float32, copy=True)  # (W, 4 × hidden), overwritten with i, f, g and o
        weight = weight.to(projected.dtype)
        hidden, cell = (gates.new_empty(len(gates), h.shape[1]) for _ in range(2))
        activated_cell = torch.empty_like(cell) if any(ctx.needs_input_grad) else None
        previous_h, previous_c = h, c
        for rows in _steps(batch_sizes):
            step_gates, count = gates[rows], rows.stop - rows.start
            add_product(step_gates, previous_h[:count], weight.T)
            i, f, g, o = _activate_(step_gates)
            torch.mul(f, previous_c[:count], out=cell[rows]).addcmul_(i, g)
            tanh_cell = _tanh(cell[rows])
            torch.mul(o, tanh_cell, out=hidden[rows])
            if activated_cell is not None:
                activated_cell[rows] = tanh_cell
            previous_h, previous_c = hidden[rows], cell[rows]
        if activated_cell is not None:
            ctx.save_for_backward(gates, weight, h, c, hidden, cell, activated_cell)
            ctx.batch_sizes = batch_sizes
        return hidden, cell

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        grad_hidden, grad_cell = grads
        gates, weight, h, c, hidden, cell, activated_cell = ctx.saved_tensors
        steps = _steps(ctx.batch_sizes)
        grad_gates = torch.empty_like(gates)
        grad_h, grad_c = torch.zeros_like(h, dtype=gates.dtype), torch.zeros_like(c, dtype=gates.dtype)
        for rows, previous_rows in zip(reversed(steps), [*reversed(steps[:-1]), None], strict=True):
            count = rows.stop - rows.start
            previous_c = c[:count] if previous_rows is None else cell[previous_rows][:count]
            i, f, g, o = gates[rows].chunk(4, dim=1)
            tanh_cell = activated_cell[rows]
            total_grad_h = grad_hidden[rows] + grad_h[:count]
            total_grad_c = (total_grad_h * o).mul_(1 - tanh_cell * tanh_cell).add_(grad_c[:count]).add_(grad_cell[rows])
            grad_i, grad_f, grad_g, grad_o = grad_gates[rows].chunk(4, dim=1)
            torch.mul(total_grad_c, g, out=grad_i).mul_(i - i * i)
            torch.mul(total_grad_c, previous_c, out=grad_f).mul_(f - f * f)
            torch.mul(total_grad_c, i, out=grad_g).mul_(1 - g * g)
            torch.mul(total_grad_h, tanh_cell, out=grad_o).mul_(o - o * o)
            torch.mul(total_grad_c, f, out=grad_c[:count])
            grad_h[:count] = grad_gates[rows].to(weight.dtype) @ weight
        grad_gates = grad_gates.to(weight.dtype)
        previous_h = previous_states(hidden, ctx.batch_sizes, h)
        grad_weight = (grad_gates.T @ previous_h.to(weight.dtype)).to(gates.dtype)
        return grad_gates, grad_weight, grad_h, grad_c, None


def _steps(batch_sizes: list[int]) -> list[slice]:
    """The rows of each time step."""
    ends = torch.tensor(batch_sizes).cumsum(0).tolist()
    return [slice(end - size, end) for size, end in zip(batch_sizes, ends, strict=True)]


def _activate_(gates: Tensor) -> tuple[Tensor, ...]:
    """Apply the activations of i, f, g and o to the gates (B, 4 × hidden), in place."""
    i, f, g, o = gates.chunk(4, dim=1)
    g.mul_(2)  # tanh(x) = 2 sigmoid(2x) - 1, so that one sigmoid serves all four gates
    gates.sigmoid_()
    g.mul_(2).sub_(1)
    return i, f, g, o


def _tanh(values: Tensor) -> Tensor:
    # PyTorch's sigmoid is three times as fast as its tanh on CPUs.
    return (2 * values).sigmoid_().mul_(2).sub_(1)
