"""Adaptive Attention: "Knowing When to Look" (Lu et al. 2017).

At every word the model attends over the regions of the image and over a visual sentinel, which is what the language
model knows by itself.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from clcap_cli.models.attention import additive_scores, weighted_regions
from clcap_cli.models.captioner import Captioner, CaptionerConfig
from clcap_cli.models.lstm import LSTM, LSTMState
from clcap_cli.models.packing import pack
from clcap_cli.models.rows import ImageFeatures, Rows


@dataclass(frozen=True)
class AttentiveVisual(Rows):
    """N images as the model sees them."""

    lstm_input: Tensor
    """(N, 4 × hidden): what v_g, the mean of the regions, adds to the LSTM's input product at every word."""
    gate_input: Tensor
    """(N, hidden): what v_g adds to the sentinel's gate at every word."""
    regions: Tensor
    """(N, R, hidden): V, the regions, projected."""
    keys: Tensor
    """(N, R, hidden): what the attention compares with."""


@dataclass(frozen=True)
class AttentiveState(Rows):
    """An LSTM state and the image that it is about."""

    h: Tensor
    c: Tensor
    lstm_input: Tensor
    gate_input: Tensor
    regions: Tensor
    keys: Tensor


class AdaptiveAttention(Captioner[AttentiveVisual, AttentiveState]):
    """LSTM over x_t = [w_t; v_g]; attention over regions and sentinel; the context is added to the hidden state.

    The products with x_t are the sum of one with the word and one with v_g, which is taken once an image.
    """

    uses_grid = True

    def __init__(self, config: CaptionerConfig):
        super().__init__(config)
        embedding, hidden = config.embedding_size, config.hidden_size
        self.overview = nn.Linear(config.grid_channels, embedding)
        self.regions = nn.Linear(config.grid_channels, hidden)
        self.region_keys = nn.Linear(hidden, hidden)
        self.words = nn.Embedding(config.vocabulary_size + 1, embedding)
        self.lstm = LSTM(embedding, hidden)
        self.overview_to_lstm = nn.Linear(embedding, 4 * hidden, bias=False)
        self.gate_input = nn.Linear(embedding, hidden)
        self.overview_to_gate = nn.Linear(embedding, hidden, bias=False)
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
        to_lstm, to_gate = self.overview_to_lstm(overview), self.overview_to_gate(overview)
        return AttentiveVisual(to_lstm, to_gate, regions, self.region_keys(regions))

    def sequence_log_prob(self, visual: AttentiveVisual, captions: Tensor, lengths: Tensor, image: Tensor) -> Tensor:
        """See Captioner."""
        packed = pack(captions, lengths, self.start_token)
        image = image[packed.caption]  # (W,)
        words = self._word_vectors(packed.inputs)
        before = self.lstm.zeros(packed.batch_sizes[0])
        projected = self.lstm.input(words) + visual.lstm_input[image]
        states = self.lstm.unroll(projected, packed.batch_sizes, before)
        h_before = _hidden_before(states.h, packed.batch_sizes, before.h)
        sentinel = self._sentinel(words, visual.gate_input[image], h_before, states.c)
        by_image = image.argsort(stable=True)
        counts = image.bincount(minlength=len(visual)).tolist()
        h, sentinel = self._hidden(states.h[by_image]), sentinel[by_image]
        query = self.query(h)
        scores = additive_scores(query, visual.keys, self.score.weight.squeeze(0), counts)  # (W, R)
        weights, on_sentinel = self._weights(scores, query, sentinel)
        context = weighted_regions(weights, visual.regions, counts) + on_sentinel * sentinel
        return packed.log_prob(self._combined(context, h)[by_image.argsort()], self.output)

    def start(self, visual: AttentiveVisual) -> AttentiveState:
        """See Captioner."""
        before = self.lstm.zeros(len(visual))
        return AttentiveState(before.h, before.c, visual.lstm_input, visual.gate_input, visual.regions, visual.keys)

    def step(self, state: AttentiveState, tokens: Tensor) -> tuple[Tensor, AttentiveState]:
        """See Captioner."""
        words = self._word_vectors(tokens)
        after = self.lstm.step(self.lstm.input(words) + state.lstm_input, LSTMState(state.h, state.c))
        sentinel = self._sentinel(words, state.gate_input, state.h, after.c)
        h = self._hidden(after.h)
        query = self.query(h)
        scores = self.score(torch.tanh(state.keys + query.unsqueeze(1))).squeeze(2)  # (B, R)
        weights, on_sentinel = self._weights(scores, query, sentinel)
        context = torch.bmm(weights.unsqueeze(1), state.regions).squeeze(1) + on_sentinel * sentinel
        log_probs = torch.log_softmax(self.output(self._combined(context, h)).float(), dim=1)
        return log_probs, replace(state, h=after.h, c=after.c)

    def _word_vectors(self, words: Tensor) -> Tensor:
        """w_t, (B, embedding)."""
        return self.dropout(torch.relu(self.words(words)))

    def _sentinel(self, words: Tensor, from_overview: Tensor, hidden_before: Tensor, cell: Tensor) -> Tensor:
        """s_t = sigmoid(W_x [w_t; v_g] + W_h h_{t-1}) ⊙ tanh(m_t), projected: (B, hidden)."""
        gate = torch.sigmoid(self.gate_input(words) + from_overview + self.gate_hidden(hidden_before))
        return self.dropout(torch.relu(self.sentinel(gate * torch.tanh(cell))))

    def _hidden(self, h: Tensor) -> Tensor:
        """The hidden state as the attention and the output see it, (B, hidden)."""
        return self.dropout(torch.tanh(self.hidden(h)))

    def _weights(self, region_scores: Tensor, query: Tensor, sentinel: Tensor) -> tuple[Tensor, Tensor]:
        """Attention weights of the regions (B, R) and of the sentinel (B, 1), which sum to one."""
        sentinel_score = self.score(torch.tanh(self.sentinel_key(sentinel) + query))
        weights = torch.softmax(torch.cat([region_scores, sentinel_score], dim=1), dim=1)
        return weights[:, :-1], weights[:, -1:]

    def _combined(self, context: Tensor, h: Tensor) -> Tensor:
        """The output layer's input, (B, hidden)."""
        return self.dropout(torch.tanh(self.combine(context + h)))


def _hidden_before(after: Tensor, batch_sizes: list[int], start: Tensor) -> Tensor:
    """h_{t-1} for every packed word, from h_t of them all (W, hidden) and the start (B, hidden)."""
    steps = after.split(batch_sizes)
    earlier = [start, *steps[:-1]]
    return torch.cat([h[:size] for h, size in zip(earlier, batch_sizes, strict=True)])
