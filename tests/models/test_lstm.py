import torch

from clcap_cli.models.lstm import LSTM, LSTMState

SIZES = [5, 5, 3, 1]
VOCABULARY, HIDDEN = sum(SIZES), 16


def reference_lstm(projected, weight, h, c):
    hidden, cells = [], []
    for words in projected.split(SIZES):
        i, f, g, o = (words + h[: len(words)] @ weight.T).chunk(4, dim=1)
        c = f.sigmoid() * c[: len(words)] + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        hidden.append(h)
        cells.append(c)
    return torch.cat(hidden), torch.cat(cells)


def test_states_and_gradients_match_the_formula() -> None:
    torch.manual_seed(0)
    lstm = LSTM(8, HIDDEN)
    shapes = ((VOCABULARY, 4 * HIDDEN), (SIZES[0], HIDDEN), (SIZES[0], HIDDEN))
    projected, h, c = (torch.randn(*shape, requires_grad=True) for shape in shapes)
    inputs = (projected, lstm.recurrent.weight, h, c)
    expected = reference_lstm(*inputs)
    states = lstm.unroll(projected, SIZES, LSTMState(h, c))
    gradients = [torch.randn(VOCABULARY, HIDDEN) for _ in range(2)]
    pairs = [(states.h, expected[0]), (states.c, expected[1])]
    pairs += zip(
        torch.autograd.grad([states.h, states.c], inputs, gradients),
        torch.autograd.grad(expected, inputs, gradients),
        strict=True,
    )
    for one, other in pairs:
        assert torch.allclose(one, other, atol=1e-5)
