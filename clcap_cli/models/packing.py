"""Captions without their padding: the words of a batch in one row, time by time."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

from clcap_cli.models.token_log_prob import token_log_prob


@dataclass(frozen=True)
class PackedCaptions:
    """B captions as W = Σ (length + 1) predictions, longest caption first at every time step."""

    inputs: Tensor
    """(W,) the token before: the start token, then the caption's tokens."""
    targets: Tensor
    """(W,) the token to predict: the caption's tokens, then the end token."""
    caption: Tensor
    """(W,) which caption each belongs to."""
    batch_sizes: list[int]
    """How many captions are still running at each time step."""

    @property
    def time(self) -> Tensor:
        """(W,) at which time step each is predicted."""
        sizes = torch.tensor(self.batch_sizes, device=self.inputs.device)
        return torch.arange(len(sizes), device=sizes.device).repeat_interleave(sizes)

    @property
    def order(self) -> Tensor:
        """(B,) the captions in the order in which every time step lists them."""
        return self.caption[: self.batch_sizes[0]]

    def log_prob(self, hidden: Tensor, output: torch.nn.Linear) -> Tensor:
        """ln p of each caption (B,), from the hidden state (W, H) before each prediction."""
        words = token_log_prob(hidden, output, self.targets)
        return words.new_zeros(self.batch_sizes[0]).index_add(0, self.caption, words)


def pack(captions: Tensor, lengths: Tensor, start: int, end: int) -> PackedCaptions:
    """Pack captions (B, T) of which the first ``lengths`` (B,) tokens count, between ``initial_state`` and ``end``."""
    inputs = torch.cat([torch.full_like(captions[:, :1], start), captions], dim=1)
    targets = torch.cat([captions, torch.full_like(captions[:, :1], end)], dim=1)
    targets = targets.scatter(1, lengths.unsqueeze(1), end)
    caption = torch.arange(len(captions), device=captions.device).unsqueeze(1).expand_as(inputs)
    together = torch.stack([inputs, targets, caption], dim=2)  # (B, T + 1, 3)
    packed = pack_padded_sequence(together, (lengths + 1).cpu(), batch_first=True, enforce_sorted=False)
    inputs, targets, caption = packed.data.unbind(1)
    return PackedCaptions(inputs, targets, caption, packed.batch_sizes.tolist())
