"""The images with the highest ln p of each caption, found block by block."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from clcap_cli.artifacts.partial_ranks import NONE
from clcap_cli.compute.collectives import gathered
from clcap_cli.compute.processes import processes


@dataclass(frozen=True)
class BestImages:
    """The K images with the highest ln p of each of C captions, the highest first; equal ones in the pool's order."""

    image: Tensor
    """(C, K) int64: positions of the images; NONE where fewer are known."""
    log_prob: Tensor
    """(C, K) float32: their ln p; -inf where fewer are known."""

    @classmethod
    def unknown(cls, log_prob: Tensor, count: int) -> Self:
        """``count`` unknown images of each caption, for captions with the ln p (C,) of their own images."""
        shape = (len(log_prob), count)
        return cls(log_prob.new_full(shape, NONE, dtype=torch.int64), log_prob.new_full(shape, -torch.inf))

    @property
    def floor(self) -> Tensor:
        """(C,) the ln p that a further image must exceed to be among the best; inf if none are wanted."""
        wanted = self.log_prob.shape[1] > 0
        return self.log_prob[:, -1] if wanted else self.log_prob.new_full((len(self.log_prob),), torch.inf)

    def with_block(self, scores: Tensor, first: int) -> Self:
        """The best images after the B images from position ``first``, with the ln p ``scores`` (C, B)."""
        positions = torch.arange(first, first + scores.shape[1], device=scores.device)
        return self.with_images(positions.expand_as(scores), scores)

    def of_all_processes(self) -> Self:
        """The best of all processes' images, where each process has seen its own share of them."""
        count = processes().count
        if count == 1:
            return self
        images, values = (
            gathered(one).view(count, *one.shape).transpose(0, 1).flatten(1) for one in (self.image, self.log_prob)
        )
        return type(self).unknown(self.floor, self.log_prob.shape[1]).with_images(images, values)

    def with_images(self, positions: Tensor, scores: Tensor) -> Self:
        """The best images after those at ``positions`` (C, B), with the ln p ``scores`` (C, B)."""
        count = self.log_prob.shape[1]
        if count == 0:
            return self
        images, values = torch.cat([self.image, positions], dim=1), torch.cat([self.log_prob, scores], dim=1)
        lowest = values.topk(count, dim=1).values[:, -1:]
        row, column = ((values >= lowest) & (values > -torch.inf)).nonzero(as_tuple=True)
        order = values[row, column].argsort(descending=True, stable=True)  # topk alone leaves the order of ties open
        order = order[row[order].argsort(stable=True)]
        row, column = row[order], column[order]
        start = row.bincount(minlength=len(values)).cumsum(0)
        place = torch.arange(len(row), device=row.device) - torch.cat([start.new_zeros(1), start[:-1]])[row]
        row, column, place = (one[place < count] for one in (row, column, place))
        found = type(self).unknown(values[:, 0], count)
        found.image[row, place], found.log_prob[row, place] = images[row, column], values[row, column]
        return found
