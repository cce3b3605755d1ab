"""The best finished captions of a beam search."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from clcap_cli.decoding.constraints import MINUS_INFINITY
from clcap_cli.decoding.decoded import Decoded


class FinishedCaptions:
    """The K finished captions with the highest scores of each of N images, the highest first."""

    def __init__(self, images: int, count: int, max_length: int, end: int, device: torch.device):
        self.end = end
        self.scores = torch.full((images, count), MINUS_INFINITY, device=device)
        self.log_probs = self.scores.clone()
        self.lengths = torch.zeros(images, count, dtype=torch.int64, device=device)
        self.captions = torch.full((images, count, max_length), end, device=device)

    @property
    def threshold(self) -> Tensor:
        """(N, 1) the score that a further caption must exceed to be among the K best."""
        return self.scores[:, -1:]

    def add(self, images: Tensor, scores: Tensor, log_probs: Tensor, tokens: Tensor) -> None:
        """Add b captions of the same length to each of n images; a score of minus infinity marks a caption to ignore.

        ``images`` is (n,), ``scores`` and ``log_probs`` are (n, b), and ``tokens`` (n, b, length) has no end tokens.
        """
        length = tokens.shape[2]
        captions = pad(tokens, (0, self.captions.shape[2] - length), value=self.end)
        # The sort is stable, so that the caption found first wins a tie.
        merged, order = torch.cat([self.scores[images], scores], dim=1).sort(descending=True, stable=True)
        order = order[:, : self.scores.shape[1]]
        self.scores[images] = merged[:, : self.scores.shape[1]]
        row = torch.arange(len(images), device=images.device).unsqueeze(1)
        lengths = torch.full_like(scores, length, dtype=torch.int64)
        for known, new in ((self.log_probs, log_probs), (self.lengths, lengths), (self.captions, captions)):
            known[images] = torch.cat([known[images], new], dim=1)[row, order]

    def decoded(self) -> Decoded:
        """K rows per image; if fewer captions of an image have finished, its last one is repeated."""
        last_found = (self.scores > MINUS_INFINITY).long().cumsum(1) - 1
        position = last_found.clamp(min=0)
        image = torch.arange(len(position), device=position.device).unsqueeze(1)
        return Decoded(*(part[image, position].flatten(0, 1) for part in (self.captions, self.lengths, self.log_probs)))
