"""NeuralTalk2: Show and Tell (Vinyals et al. 2015) as implemented by Karpathy.

The first input of the LSTM is the pooled image vector after a linear layer and a ReLU; the caption's tokens follow.
Dropout is applied to the LSTM's output only. One difference from Karpathy's code: token vectors are initialised
uniformly within ±0.1 instead of from a standard normal distribution.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from clcap_cli.models.captioner import Captioner, CaptionerConfig, DropoutRate, Size
from clcap_cli.models.lstm import LSTM, LSTMState
from clcap_cli.models.prefixes import compute_per_token
from clcap_cli.models.rows import ImageFeatures


@dataclass(frozen=True)
class NeuralTalk2Config(CaptionerConfig):
    """Configuration of a NeuralTalk2 model."""

    pooled_channels: Size
    embedding_size: Size = 512
    hidden_size: Size = 512
    dropout: DropoutRate = 0.5
    image_relu: bool = True
    """Whether a ReLU follows the projection of the image; False in checkpoints of version 1."""


class NeuralTalk2(Captioner[LSTMState, LSTMState]):
    """One LSTM layer; the image influences a caption only through the LSTM's state after reading the image."""

    Config: ClassVar = NeuralTalk2Config
    config: NeuralTalk2Config
    uses_grid = False

    def __init__(self, config: NeuralTalk2Config):
        super().__init__(config)
        self.image = nn.Linear(config.pooled_channels, config.embedding_size)
        self.words = nn.Embedding(config.input_size, config.embedding_size)
        self.lstm = LSTM(config.embedding_size, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.hidden_size, config.vocabulary_size)
        nn.init.uniform_(self.words.weight, -0.1, 0.1)

    @property
    def state_size(self) -> int:
        """See Captioner."""
        return 2 * self.config.hidden_size

    def encode(self, features: ImageFeatures) -> LSTMState:
        """The LSTM's state after reading the image."""
        image = self.image(features.pooled)
        projected = self.lstm.input(torch.relu(image) if self.config.image_relu else image)
        return self.lstm.step(projected, self.lstm.zero_state(len(projected)))

    def sequence_log_prob(self, encoded: LSTMState, captions: Tensor, lengths: Tensor, image_index: Tensor) -> Tensor:
        """See Captioner."""
        next_tokens = self.next_tokens(captions, lengths, image_index)
        prefixes = next_tokens.prefixes
        states = self.lstm.unroll(self._lstm_inputs(prefixes.tokens), prefixes.levels, encoded)
        return next_tokens.log_prob(self.dropout(states.h), self.output)

    def initial_state(self, encoded: LSTMState) -> LSTMState:
        """See Captioner."""
        return encoded

    def advance(
        self, encoded: LSTMState, image_index: Tensor, state: LSTMState, tokens: Tensor
    ) -> tuple[Tensor, LSTMState]:
        """See Captioner."""
        state = self.lstm.step(self._lstm_inputs(tokens), state)
        return self.dropout(state.h), state

    def _lstm_inputs(self, tokens: Tensor) -> Tensor:
        """Contributions of tokens to the LSTM's gates, (B, 4 × hidden)."""
        return compute_per_token(tokens, lambda distinct: self.lstm.input(self.words(distinct)))
