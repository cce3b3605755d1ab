"""Captions without padding: all tokens of a batch in one dimension, ordered by time step."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

from clcap_cli.models.token_log_prob import token_log_prob


@dataclass(frozen=True)
class PackedCaptions:
    """B captions as W = Σ (length + 1) predictions; at each time step the longest caption comes first."""

    inputs: Tensor
    """(W,) the previous token of each prediction: the start token, then the caption's tokens."""
    targets: Tensor
    """(W,) the token to predict: the caption's tokens, then the end token."""
    caption_index: Tensor
    """(W,) the caption that each prediction belongs to."""
    batch_sizes: list[int]
    """Number of captions at each time step."""

    @property
    def time_step(self) -> Tensor:
        """(W,) the time step of each prediction."""
        sizes = torch.tensor(self.batch_sizes, device=self.inputs.device)
        return torch.arange(len(sizes), device=sizes.device).repeat_interleave(sizes)

    @property
    def order(self) -> Tensor:
        """(B,) the captions in the order of the first time step, longest first."""
        return self.caption_index[: self.batch_sizes[0]]

    def log_prob(self, hidden: Tensor, output: torch.nn.Linear) -> Tensor:
        """ln p of each caption (B,), from the inputs (W, H) of the ``output`` layer."""
        log_probs = token_log_prob(hidden, output, self.targets)
        return log_probs.new_zeros(self.batch_sizes[0]).index_add(0, self.caption_index, log_probs)


def pack(captions: Tensor, lengths: Tensor, start: int, end: int) -> PackedCaptions:
    """Pack the first ``lengths`` (B,) tokens of captions (B, T), with ``start`` before and ``end`` after them."""
    inputs = torch.cat([torch.full_like(captions[:, :1], start), captions], dim=1)
    targets = torch.cat([captions, torch.full_like(captions[:, :1], end)], dim=1)
    targets = targets.scatter(1, lengths.unsqueeze(1), end)
    caption_index = torch.arange(len(captions), device=captions.device).unsqueeze(1).expand_as(inputs)
    columns = torch.stack([inputs, targets, caption_index], dim=2)  # (B, T + 1, 3)
    packed = pack_padded_sequence(columns, (lengths + 1).cpu(), batch_first=True, enforce_sorted=False)
    inputs, targets, caption_index = packed.data.unbind(1)
    return PackedCaptions(inputs, targets, caption_index, packed.batch_sizes.tolist())
