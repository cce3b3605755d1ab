"""A GRU captioner whose initial state is the projected image."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from clcap_cli.models.captioner import Captioner, CaptionerConfig, Size
from clcap_cli.models.rows import ImageFeatures, Rows


@dataclass(frozen=True)
class GRUConfig(CaptionerConfig):
    """Sizes of a GRU; clcap fills in the fields of CaptionerConfig and the channels."""

    pooled_channels: Size
    hidden_size: Size = 512


@dataclass(frozen=True)
class Hidden(Rows):
    """State of the GRU after a prefix."""

    h: Tensor
    """(B, hidden)."""


class GRU(Captioner[Hidden, Hidden]):
    """A captioner with one GRU layer (Cho et al. 2014, arXiv 1406.1078)."""

    Config: ClassVar = GRUConfig
    config: GRUConfig
    uses_grid = False

    def __init__(self, config: GRUConfig):
        super().__init__(config)
        self.image = nn.Linear(config.pooled_channels, config.hidden_size)
        self.words = nn.Embedding(config.input_size, config.hidden_size)
        self.cell = nn.GRUCell(config.hidden_size, config.hidden_size)
        self.output = nn.Linear(config.hidden_size, config.vocabulary_size)

    @property
    def state_size(self) -> int:
        """See Captioner."""
        return self.config.hidden_size

    def encode(self, features: ImageFeatures) -> Hidden:
        """See Captioner."""
        return Hidden(torch.tanh(self.image(features.pooled)))

    def initial_state(self, encoded: Hidden) -> Hidden:
        """See Captioner."""
        return encoded

    def advance(self, encoded: Hidden, image_index: Tensor, state: Hidden, tokens: Tensor) -> tuple[Tensor, Hidden]:
        """See Captioner."""
        h = self.cell(self.words(tokens), state.h)
        return h, Hidden(h)

    def sequence_log_prob(self, encoded: Hidden, captions: Tensor, lengths: Tensor, image_index: Tensor) -> Tensor:
        """See Captioner. Every caption takes T + 1 steps; those after its end do not count."""
        column = captions[:, :1]
        inputs = torch.cat([torch.full_like(column, self.config.start_token), captions], dim=1)  # (B, T + 1)
        targets = torch.cat([captions, column], dim=1).scatter(1, lengths.unsqueeze(1), self.config.end_token)
        state, total = encoded[image_index], torch.zeros(len(captions), device=captions.device)
        for time in range(inputs.shape[1]):
            log_probs, state = self.step(encoded, image_index, state, inputs[:, time])
            total = total + log_probs.gather(1, targets[:, time : time + 1]).squeeze(1) * (time <= lengths)
        return total
