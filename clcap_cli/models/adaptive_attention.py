"""Adaptive Attention: "Knowing When to Look" (Lu et al. 2017).

At every token the model attends to the regions of the image and to a visual sentinel, a vector computed from the
LSTM's cell that lets the model rely on the previous tokens instead of the image. Dropout is applied in the same places
as in the authors' code: the token vector, v_g and V, the LSTM's output, the sentinel before and after its projection,
the projected hidden state, the hidden layer of the attention, and the input of the output layer.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from clcap_cli.models.attending import AttendingCaptioner, AttentionWeights, values_by_token
from clcap_cli.models.attention import additive_scores, weighted_regions
from clcap_cli.models.captioner import CaptionerConfig, DropoutRate, Size
from clcap_cli.models.lstm import LSTM, LSTMState
from clcap_cli.models.prefixes import Prefixes, compute_per_token
from clcap_cli.models.rows import ImageFeatures, Rows


@dataclass(frozen=True)
class AdaptiveAttentionConfig(CaptionerConfig):
    """Configuration of an Adaptive Attention model."""

    grid_channels: Size
    embedding_size: Size = 512
    hidden_size: Size = 512
    dropout: DropoutRate = 0.5


@dataclass(frozen=True)
class EncodedRegions(Rows):
    """N encoded images."""

    lstm_input: Tensor
    """(N, 4 × hidden): contribution of v_g, the projected mean of the regions, to the LSTM's gates at every token."""
    gate_input: Tensor
    """(N, hidden): contribution of v_g to the sentinel's gate at every token."""
    regions: Tensor
    """(N, R, hidden): V, the projected regions."""
    keys: Tensor
    """(N, R, hidden): attention keys of the regions."""
    mask: Tensor
    """(N, R) bool: True for the regions that an image has, False for padding."""


@dataclass(frozen=True)
class _Attended(Rows):
    """What attention gives for B tokens."""

    hidden: Tensor
    """(B, hidden): input of the output layer."""
    regions: Tensor
    """(B, R): attention weights of the regions."""
    sentinel: Tensor
    """(B, 1): attention weight of the sentinel."""


class AdaptiveAttention(AttendingCaptioner[EncodedRegions, LSTMState]):
    """LSTM over x_t = [w_t; v_g]; attention over regions and sentinel; the context is added to the hidden state.

    Products with x_t are computed as the sum of a product with w_t and a product with v_g; the latter is computed once
    per image.
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
        """Project the regions and their mean."""
        mean = features.grid.sum(dim=1) / features.mask.sum(dim=1, keepdim=True)
        overview = self.dropout(torch.relu(self.overview(mean)))
        regions = self.dropout(torch.relu(self.regions(features.grid)))
        lstm_input, gate_input = self.overview_to_lstm(overview), self.overview_to_gate(overview)
        return EncodedRegions(lstm_input, gate_input, regions, self.region_keys(regions), features.mask)

    def sequence_log_prob(
        self, encoded: EncodedRegions, captions: Tensor, lengths: Tensor, image_index: Tensor
    ) -> Tensor:
        """See Captioner."""
        next_tokens = self.next_tokens(captions, lengths, image_index)
        return next_tokens.log_prob(self._attend_prefixes(encoded, next_tokens.prefixes).hidden, self.output)

    def attention_weights(
        self, encoded: EncodedRegions, captions: Tensor, lengths: Tensor, image_index: Tensor
    ) -> AttentionWeights:
        """See AttendingCaptioner."""
        prefixes = self.next_tokens(captions, lengths, image_index).prefixes
        attended = self._attend_prefixes(encoded, prefixes)
        regions, sentinel = (
            values_by_token(prefixes, weights, lengths) for weights in (attended.regions, attended.sentinel.squeeze(1))
        )
        return AttentionWeights(regions, sentinel, encoded.mask[image_index])

    def _attend_prefixes(self, encoded: EncodedRegions, prefixes: Prefixes) -> _Attended:
        """Attention after all prefixes (W rows), with teacher forcing."""
        lstm_input, gate_input = self._inputs(encoded, prefixes.image, prefixes.tokens)
        initial = self.lstm.zero_state(len(encoded))
        states = self.lstm.unroll(lstm_input, prefixes.levels, initial)
        previous_h = prefixes.levels.states_before(initial.h, states.h)
        return self._attend(encoded, prefixes.image, gate_input, previous_h, states)

    def initial_state(self, encoded: EncodedRegions) -> LSTMState:
        """See Captioner."""
        return self.lstm.zero_state(len(encoded))

    def advance(
        self, encoded: EncodedRegions, image_index: Tensor, state: LSTMState, tokens: Tensor
    ) -> tuple[Tensor, LSTMState]:
        """See Captioner."""
        lstm_input, gate_input = self._inputs(encoded, image_index, tokens)
        new_state = self.lstm.step(lstm_input, state)
        return self._attend(encoded, image_index, gate_input, state.h, new_state).hidden, new_state

    def _attend(
        self, encoded: EncodedRegions, image_index: Tensor, gate_input: Tensor, previous_h: Tensor, new_state: LSTMState
    ) -> _Attended:
        """Attention after B tokens, from the LSTM's states before and after them."""
        sentinel = self._sentinel(gate_input, previous_h, new_state.c)
        order = image_index.argsort(stable=True)
        tokens_per_image = image_index.bincount(minlength=len(encoded)).tolist()
        h, sentinel = (part.index_select(0, order) for part in (new_state.h, sentinel))
        h = self._projected_hidden(h)
        query = self.query(h)
        dropout = self.dropout.p if self.training else 0.0
        scores = additive_scores(query, encoded.keys, self.score.weight.squeeze(0), tokens_per_image, dropout)  # (B, R)
        scores = scores.masked_fill(~encoded.mask[image_index[order]], -torch.inf)
        weights, sentinel_weight = self._attention_weights(scores, query, sentinel)
        context = weighted_regions(weights, encoded.regions, tokens_per_image) + sentinel_weight * sentinel
        hidden = self.dropout(torch.tanh(self.combine(context + h)))
        return _Attended(hidden, weights, sentinel_weight)[order.argsort()]

    def _inputs(self, encoded: EncodedRegions, image_index: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """What x_t = [w_t; v_g] adds to the LSTM's gates (B, 4 × hidden) and to the sentinel's gate (B, hidden)."""
        # A dropout mask of w_t belongs to a single token of a caption.
        word_inputs = self._word_inputs(tokens) if self._drops_out() else compute_per_token(tokens, self._word_inputs)
        size = self.config.hidden_size
        lstm_input, gate_input = word_inputs.split([4 * size, size], dim=1)
        return (
            lstm_input + encoded.lstm_input.index_select(0, image_index),
            gate_input + encoded.gate_input.index_select(0, image_index),
        )

    def _word_inputs(self, tokens: Tensor) -> Tensor:
        """What w_t adds to both, (B, 5 × hidden)."""
        words = self.dropout(torch.relu(self.words(tokens)))
        return torch.cat([self.lstm.input(words), self.gate_input(words)], dim=1)

    def _sentinel(self, gate_input: Tensor, previous_h: Tensor, cell: Tensor) -> Tensor:
        """The projected sentinel (B, hidden), from s_t = sigmoid(W_x [w_t; v_g] + W_h h_{t-1}) ⊙ tanh(m_t)."""
        gate = torch.sigmoid(gate_input + self.gate_hidden(previous_h))
        return self.dropout(torch.relu(self.sentinel(self.dropout(gate * torch.tanh(cell)))))

    def _projected_hidden(self, h: Tensor) -> Tensor:
        """The projected hidden state (B, hidden), input of the attention and of the output."""
        return self.dropout(torch.tanh(self.hidden(self.dropout(h))))

    def _attention_weights(self, region_scores: Tensor, query: Tensor, sentinel: Tensor) -> tuple[Tensor, Tensor]:
        """Attention weights of the regions (B, R) and of the sentinel (B, 1); they sum to 1 in each row."""
        sentinel_score = self.score(self.dropout(torch.tanh(self.sentinel_key(sentinel) + query)))
        weights = torch.softmax(torch.cat([region_scores, sentinel_score], dim=1), dim=1)
        return weights[:, :-1], weights[:, -1:]
