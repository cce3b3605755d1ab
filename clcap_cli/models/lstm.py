"""An LSTM layer over a tree of prefixes that computes matrix products for all tokens at once where possible."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from clcap_cli.models.matmul import add_product
from clcap_cli.models.prefixes import Levels
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
        own = torch.arange(len(projected), device=projected.device)
        return self.unroll(projected, Levels([len(projected)], own), state)

    def unroll(self, projected: Tensor, levels: Levels, state: LSTMState) -> LSTMState:
        """The states after W prefixes; ``projected`` is ``self.input`` of their last tokens.

        ``state`` holds the initial states, the parents of the shortest prefixes.
        """
        needs_grad = torch.is_grad_enabled()
        return LSTMState(*_Unroll.apply(projected, self.recurrent.weight, state.h, state.c, levels, needs_grad))


class _Unroll(torch.autograd.Function):
    """The recurrence; its backward pass computes the weight's gradient as one product over all prefixes."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, weight: Tensor, h: Tensor, c: Tensor, levels: Levels, needs_grad: bool
    ) -> tuple[Tensor, Tensor]:
        gates = projected.to(torch.float32, copy=True)  # (W, 4 × hidden), overwritten with i, f, g and o
        weight = weight.to(projected.dtype)
        hidden, cell = (gates.new_empty(len(gates), h.shape[1]) for _ in range(2))
        activated_cell = torch.empty_like(cell) if needs_grad else None
        previous_h, previous_c = h, c
        for rows, parent in levels:
            step_gates = gates[rows]
            add_product(step_gates, previous_h.index_select(0, parent), weight.T)
            i, f, g, o = _activate_(step_gates)
            torch.mul(f, previous_c.index_select(0, parent), out=cell[rows]).addcmul_(i, g)
            tanh_cell = _tanh(cell[rows])
            torch.mul(o, tanh_cell, out=hidden[rows])
            if activated_cell is not None:
                activated_cell[rows] = tanh_cell
            previous_h, previous_c = hidden, cell
        if activated_cell is not None:
            ctx.save_for_backward(gates, weight, h, c, hidden, cell, activated_cell)
            ctx.levels = levels
        return hidden, cell

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        gates, weight, h, c, hidden, cell, activated_cell = ctx.saved_tensors
        levels = ctx.levels
        previous_c = levels.states_before(c, cell)
        grad_gates = torch.empty_like(gates)
        grad_hidden, grad_cell = (grad.clone() for grad in grads)  # (W, hidden), to which longer prefixes add theirs
        grad_h, grad_c = torch.zeros_like(h, dtype=gates.dtype), torch.zeros_like(c, dtype=gates.dtype)
        for rows, parent in reversed(list(levels)):
            grad_previous_c = _gate_gradients(
                gates[rows],
                activated_cell[rows],
                previous_c[rows],
                grad_hidden[rows],
                grad_cell[rows],
                grad_gates[rows],
            )
            parents_grad_h, parents_grad_c = (grad_h, grad_c) if rows.start == 0 else (grad_hidden, grad_cell)
            parents_grad_c.index_add_(0, parent, grad_previous_c)
            product = grad_gates[rows].to(weight.dtype) @ weight
            parents_grad_h.index_add_(0, parent, product.to(gates.dtype))
        grad_gates = grad_gates.to(weight.dtype)
        previous_h = levels.states_before(h, hidden)
        grad_weight = (grad_gates.T @ previous_h.to(weight.dtype)).to(gates.dtype)
        return grad_gates, grad_weight, grad_h, grad_c, None, None


def _gate_gradients(
    gates: Tensor, tanh_cell: Tensor, previous_c: Tensor, grad_hidden: Tensor, grad_cell: Tensor, out: Tensor
) -> Tensor:
    """Write the gradients of one step's gates before their activations to ``out``, and return that of the cell before.

    ``gates`` are after their activations, and ``tanh_cell`` is tanh of the cell after the step.
    """
    i, f, g, o = gates.chunk(4, dim=1)
    total_grad_c = (grad_hidden * o).mul_(1 - tanh_cell * tanh_cell).add_(grad_cell)
    grad_i, grad_f, grad_g, grad_o = out.chunk(4, dim=1)
    torch.mul(total_grad_c, g, out=grad_i).mul_(i - i * i)
    torch.mul(total_grad_c, previous_c, out=grad_f).mul_(f - f * f)
    torch.mul(total_grad_c, i, out=grad_g).mul_(1 - g * g)
    torch.mul(grad_hidden, tanh_cell, out=grad_o).mul_(o - o * o)
    return total_grad_c.mul_(f)


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
