"""An LSTM layer whose input product is taken for all words at once."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

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
        i, f, g, o = (projected + self.recurrent(state.h)).chunk(4, dim=1)
        c = torch.sigmoid(f) * state.c + torch.sigmoid(i) * torch.tanh(g)
        return LSTMState(torch.sigmoid(o) * torch.tanh(c), c)

    def unroll(self, projected: Tensor, batch_sizes: list[int], state: LSTMState) -> LSTMState:
        """The states after every word of packed captions, (W, hidden) each, given ``self.input`` of all words."""
        states = []
        for words in projected.split(batch_sizes):
            state = self.step(words, state[: len(words)])
            states.append(state)
        return LSTMState(torch.cat([s.h for s in states]), torch.cat([s.c for s in states]))
