"""Adaptive Attention: "Knowing When to Look" (Lu et al. 2017).

At every word the model attends over the regions of the image and over a visual sentinel, which is what the language
model knows by itself.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from clcap_cli.models.captioner import Captioner, CaptionerConfig
from clcap_cli.models.lstm import LSTM, LSTMState
from clcap_cli.models.packing import pack
from clcap_cli.models.rows import ImageFeatures, Rows

WORDS_AT_ONCE = 512
"""The attention's (words, regions, hidden) tensors are made for so many words at a time."""


@dataclass(frozen=True)
class AttentiveVisual(Rows):
    """N images as the model sees them."""

    overview: Tensor
    """(N, embedding): v_g, the mean of the regions, projected."""
    regions: Tensor
    """(N, R, hidden): V, the regions, projected."""
    keys: Tensor
    """(N, R, hidden): what the attention compares with."""


@dataclass(frozen=True)
class AttentiveState(Rows):
    """An LSTM state and the image that it is about."""

    h: Tensor
    c: Tensor
    overview: Tensor
    regions: Tensor
    keys: Tensor


class AdaptiveAttention(Captioner[AttentiveVisual, AttentiveState]):
    """LSTM over [word; v_g]; attention over regions and sentinel; the context is added to the hidden state."""

    uses_grid = True

    def __init__(self, config: CaptionerConfig):
        super().__init__(config)
        embedding, hidden = config.embedding_size, config.hidden_size
        self.overview = nn.Linear(config.grid_channels, embedding)
        self.regions = nn.Linear(config.grid_channels, hidden)
        self.region_keys = nn.Linear(hidden, hidden)
        self.words = nn.Embedding(config.vocabulary_size + 1, embedding)
        self.lstm = LSTM(2 * embedding, hidden)
        self.gate_input = nn.Linear(2 * embedding, hidden)
        self.gate_hidden = nn.Linear(hidden, hidden, bias=False)
        self.sentinel = nn.Linear(hidden, hidden)
        self.sentinel_key = nn.Linear(hidden, hidden)
        self.hidden = nn.Linear(hidden, hidden)
        self.query = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.combine = nn.Linear(hidden, hidden)
        self.output = nn.Linear(hidden, config.vocabulary_size)
        self.dropout = nn.Dropout(config.dropout)
        nn.init.uniform_(self.words.weight, -0.1, 0.1)

    def encode(self, features: ImageFeatures) -> AttentiveVisual:
        """Project the regions, and their mean, once an image."""
        overview = self.dropout(torch.relu(self.overview(features.grid.mean(dim=1))))
        regions = self.dropout(torch.relu(self.regions(features.grid)))
        return AttentiveVisual(overview, regions, self.region_keys(regions))

    def sequence_log_prob(self, visual: AttentiveVisual, captions: Tensor, lengths: Tensor, image: Tensor) -> Tensor:
        """See Captioner."""
        packed = pack(captions, lengths, self.start_token)
        image = image[packed.caption]  # (W,)
        inputs = self._inputs(packed.inputs, visual.overview[image])
        before = self.lstm.zeros(packed.batch_sizes[0])
        states = self.lstm.unroll(self.lstm.input(inputs), packed.batch_sizes, before)
        sentinel = self._sentinel(inputs, _hidden_before(states.h, packed.batch_sizes, before.h), states.c)
        parts = zip(*(t.split(WORDS_AT_ONCE) for t in (states.h, sentinel, image)), strict=True)
        hidden = [self._attend(h, s, visual.regions[rows], visual.keys[rows]) for h, s, rows in parts]
        return packed.log_prob(torch.cat(hidden), self.output)

    def start(self, visual: AttentiveVisual) -> AttentiveState:
        """See Captioner."""
        before = self.lstm.zeros(len(visual))
        return AttentiveState(before.h, before.c, visual.overview, visual.regions, visual.keys)

    def step(self, state: AttentiveState, tokens: Tensor) -> tuple[Tensor, AttentiveState]:
        """See Captioner."""
        inputs = self._inputs(tokens, state.overview)
        after = self.lstm.step(self.lstm.input(inputs), LSTMState(state.h, state.c))
        sentinel = self._sentinel(inputs, state.h, after.c)
        hidden = self._attend(after.h, sentinel, state.regions, state.keys)
        log_probs = torch.log_softmax(self.output(hidden).float(), dim=1)
        return log_probs, AttentiveState(after.h, after.c, state.overview, state.regions, state.keys)

    def _inputs(self, words: Tensor, overview: Tensor) -> Tensor:
        """x_t = [w_t; v_g], (B, 2 × embedding)."""
        return torch.cat([self.dropout(torch.relu(self.words(words))), overview], dim=1)

    def _sentinel(self, inputs: Tensor, hidden_before: Tensor, cell: Tensor) -> Tensor:
        """s_t = sigmoid(W_x x_t + W_h h_{t-1}) ⊙ tanh(m_t), projected: (B, hidden)."""
        gate = torch.sigmoid(self.gate_input(inputs) + self.gate_hidden(hidden_before))
        return self.dropout(torch.relu(self.sentinel(gate * torch.tanh(cell))))

    def _attend(self, h: Tensor, sentinel: Tensor, regions: Tensor, keys: Tensor) -> Tensor:
        """The output layer's input, (B, hidden): attention over regions (B, R, hidden) and sentinel, added to h."""
        h = self.dropout(torch.tanh(self.hidden(h)))
        query = self.query(h)
        region_scores = self.score(torch.tanh(keys + query.unsqueeze(1))).squeeze(2)  # (B, R)
        sentinel_score = self.score(torch.tanh(self.sentinel_key(sentinel) + query))  # (B, 1)
        weights = torch.softmax(torch.cat([region_scores, sentinel_score], dim=1), dim=1)
        context = torch.bmm(weights[:, None, :-1], regions).squeeze(1) + weights[:, -1:] * sentinel
        return self.dropout(torch.tanh(self.combine(context + h)))


def _hidden_before(after: Tensor, batch_sizes: list[int], start: Tensor) -> Tensor:
    """h_{t-1} for every packed word, from h_t of them all (W, hidden) and the start (B, hidden)."""
    steps = after.split(batch_sizes)
    earlier = [start, *steps[:-1]]
    return torch.cat([h[:size] for h, size in zip(earlier, batch_sizes, strict=True)])
