"""Adaptive Attention: "Knowing When to Look" (Lu et al. 2017).

At every word the model attends over the regions of the image and over a visual sentinel, which is what the language
model knows by itself. Dropout is where the authors' code has it: on the word vector, v_g and V, the LSTM's output, the
sentinel before and after its projection, the projected hidden state, the attention's hidden layer, and the output
layer's input.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from clcap_cli.models.attention import additive_scores, weighted_regions
from clcap_cli.models.captioner import Captioner, CaptionerConfig, DropoutRate, Size
from clcap_cli.models.lstm import LSTM, LSTMState, before_each
from clcap_cli.models.packing import pack
from clcap_cli.models.rows import ImageFeatures, Rows


@dataclass(frozen=True)
class AdaptiveAttentionConfig(CaptionerConfig):
    """Sizes of an Adaptive Attention."""

    grid_channels: Size
    embedding_size: Size = 512
    hidden_size: Size = 512
    dropout: DropoutRate = 0.5


@dataclass(frozen=True)
class EncodedRegions(Rows):
    """N images as the model sees them."""

    lstm_input: Tensor
    """(N, 4 × hidden): what v_g, the mean of the regions, adds to the LSTM's input product at every word."""
    gate_input: Tensor
    """(N, hidden): what v_g adds to the sentinel's gate at every word."""
    regions: Tensor
    """(N, R, hidden): V, the regions, projected."""
    keys: Tensor
    """(N, R, hidden): what the attention compares with."""
    mask: Tensor
    """(N, R) bool: which regions an image has."""


class AdaptiveAttention(Captioner[EncodedRegions, LSTMState]):
    """LSTM over x_t = [w_t; v_g]; attention over regions and sentinel; the context is added to the hidden state.

    The products with x_t are the sum of one with the word and one with v_g, which is taken once an image.
    """

    Config: ClassVar = AdaptiveAttentionConfig
    config: AdaptiveAttentionConfig
    uses_grid = True

    def __init__(self, config: AdaptiveAttentionConfig):
        super().__init__(config)
        embedding, hidden = config.embedding_size, config.hidden_size
        self.overview = nn.Linear(config.grid_channels, embedding)
        self.regions = nn.Linear(config.grid_channels, hidden)
        self.region_keys = nn.Linear(hidden, hidden)
        self.words = nn.Embedding(config.input_size, embedding)
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

    @property
    def state_size(self) -> int:
        """See Captioner."""
        return 2 * self.config.hidden_size

    def encode(self, features: ImageFeatures) -> EncodedRegions:
        """Project the regions, and their mean, once an image."""
        mean = features.grid.sum(dim=1) / features.mask.sum(dim=1, keepdim=True)
        overview = self.dropout(torch.relu(self.overview(mean)))
        regions = self.dropout(torch.relu(self.regions(features.grid)))
        to_lstm, to_gate = self.overview_to_lstm(overview), self.overview_to_gate(overview)
        return EncodedRegions(to_lstm, to_gate, regions, self.region_keys(regions), features.mask)

    def sequence_log_prob(self, encoded: EncodedRegions, captions: Tensor, lengths: Tensor, image: Tensor) -> Tensor:
        """See Captioner."""
        packed = pack(captions, lengths, self.config.start_token, self.config.end_token)
        image = image[packed.caption]  # (W,)
        words = self._word_vectors(packed.inputs)
        before = self.lstm.zeros(packed.batch_sizes[0])
        projected = self.lstm.input(words) + encoded.lstm_input[image]
        states = self.lstm.unroll(projected, packed.batch_sizes, before)
        h_before = before_each(states.h, packed.batch_sizes, before.h)
        return packed.log_prob(self._output_input(encoded, image, words, h_before, states), self.output)

    def initial_state(self, encoded: EncodedRegions) -> LSTMState:
        """See Captioner."""
        return self.lstm.zeros(len(encoded))

    def advance(
        self, encoded: EncodedRegions, image: Tensor, state: LSTMState, tokens: Tensor
    ) -> tuple[Tensor, LSTMState]:
        """See Captioner."""
        words = self._word_vectors(tokens)
        after = self.lstm.step(self.lstm.input(words) + encoded.lstm_input[image], state)
        return self._output_input(encoded, image, words, state.h, after), after

    def _output_input(
        self, encoded: EncodedRegions, image: Tensor, words: Tensor, h_before: Tensor, after: LSTMState
    ) -> Tensor:
        """From word vectors and the LSTM's states before and after them to the output layer's input, (B, hidden)."""
        sentinel = self._sentinel(words, encoded.gate_input[image], h_before, after.c)
        by_image = image.argsort(stable=True)
        counts = image.bincount(minlength=len(encoded)).tolist()
        h, sentinel = self._hidden(after.h[by_image]), sentinel[by_image]
        query = self.query(h)
        dropout = self.dropout.p if self.training else 0.0
        scores = additive_scores(query, encoded.keys, self.score.weight.squeeze(0), counts, dropout)  # (B, R)
        scores = scores.masked_fill(~encoded.mask[image[by_image]], -torch.inf)
        weights, on_sentinel = self._weights(scores, query, sentinel)
        context = weighted_regions(weights, encoded.regions, counts) + on_sentinel * sentinel
        return self.dropout(torch.tanh(self.combine(context + h)))[by_image.argsort()]

    def _word_vectors(self, words: Tensor) -> Tensor:
        """w_t, (B, embedding)."""
        return self.dropout(torch.relu(self.words(words)))

    def _sentinel(self, words: Tensor, from_overview: Tensor, hidden_before: Tensor, cell: Tensor) -> Tensor:
        """s_t = sigmoid(W_x [w_t; v_g] + W_h h_{t-1}) ⊙ tanh(m_t), projected: (B, hidden)."""
        gate = torch.sigmoid(self.gate_input(words) + from_overview + self.gate_hidden(hidden_before))
        return self.dropout(torch.relu(self.sentinel(self.dropout(gate * torch.tanh(cell)))))

    def _hidden(self, h: Tensor) -> Tensor:
        """The hidden state as the attention and the output see it, (B, hidden)."""
        return self.dropout(torch.tanh(self.hidden(self.dropout(h))))

    def _weights(self, region_scores: Tensor, query: Tensor, sentinel: Tensor) -> tuple[Tensor, Tensor]:
        """Attention weights of the regions (B, R) and of the sentinel (B, 1), which sum to one."""
        sentinel_score = self.score(self.dropout(torch.tanh(self.sentinel_key(sentinel) + query)))
        weights = torch.softmax(torch.cat([region_scores, sentinel_score], dim=1), dim=1)
        return weights[:, :-1], weights[:, -1:]
