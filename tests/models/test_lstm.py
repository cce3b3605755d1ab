import torch

from clcap_cli.models.lstm import LSTM, LSTMState
from clcap_cli.models.prefixes import Levels

LEVELS = Levels([3, 5, 3, 1], torch.tensor([1, 0, 1, 0, 0, 1, 2, 2, 4, 4, 7, 9]))
"""A tree of prefixes: two initial states, and prefixes that none, one or several longer ones extend."""
PREFIXES, IMAGES, HIDDEN = 12, 2, 16


def reference_lstm(projected, weight, h, c):
    hidden, cells = [], []
    for row, parent in enumerate(LEVELS.parent.tolist()):
        h_before, c_before = (h[parent], c[parent]) if row < LEVELS.sizes[0] else (hidden[parent], cells[parent])
        i, f, g, o = (projected[row] + weight @ h_before).chunk(4)
        cells.append(f.sigmoid() * c_before + i.sigmoid() * g.tanh())
        hidden.append(o.sigmoid() * cells[-1].tanh())
    return torch.stack(hidden), torch.stack(cells)


def test_states_and_gradients_match_the_formula() -> None:
    torch.manual_seed(0)
    lstm = LSTM(8, HIDDEN)
    shapes = ((PREFIXES, 4 * HIDDEN), (IMAGES, HIDDEN), (IMAGES, HIDDEN))
    projected, h, c = (torch.randn(*shape, requires_grad=True) for shape in shapes)
    inputs = (projected, lstm.recurrent.weight, h, c)
    expected = reference_lstm(*inputs)
    states = lstm.unroll(projected, LEVELS, LSTMState(h, c))
    gradients = [torch.randn(PREFIXES, HIDDEN) for _ in range(2)]
    pairs = [(states.h, expected[0]), (states.c, expected[1])]
    pairs += zip(
        torch.autograd.grad([states.h, states.c], inputs, gradients),
        torch.autograd.grad(expected, inputs, gradients),
        strict=True,
    )
    for one, other in pairs:
        assert torch.allclose(one, other, atol=1e-5)
