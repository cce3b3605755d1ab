"""A tree of the prefixes of all captions, so that shared prefixes are computed once."""

from dataclasses import dataclass

import torch
from torch import Tensor

NONE = -1


@dataclass(frozen=True)
class Level:
    """The n prefixes of one length, and the e edges to the tokens that follow them."""

    inputs: Tensor
    """(n,) the last token of each prefix."""
    first_edge: Tensor
    """(n,) the first edge of each prefix; the edges of a prefix are consecutive."""
    count: Tensor
    """(n,) the number of edges of each prefix."""
    tokens: Tensor
    """(e,) the token of each edge, which may be the end token."""
    child: Tensor
    """(e,) the prefix in the next level that the edge leads to; NONE for the end token."""
    caption: Tensor
    """(e,) the caption that the end token completes; NONE for other tokens."""
    rows: Tensor
    """(r,) the captions that have a token here, the end token included."""
    edge: Tensor
    """(r,) the edge that each of these captions takes."""

    def floors(self, floors: Tensor) -> Tensor:
        """(e,) the lowest floor of the captions below each edge, from the floors (U,) of all captions."""
        lowest = floors.new_full((len(self.tokens),), torch.inf)
        return lowest.scatter_reduce(0, self.edge, floors[self.rows], "amin")


class PrefixTree:
    """The tree of U distinct captions (U, T), sorted like ``Tensor.unique(dim=0)`` and padded with ``end``."""

    def __init__(self, captions: Tensor, start: int, end: int):
        self.num_captions = len(captions)
        with_end = torch.cat([captions, captions.new_full((len(captions), 1), end)], dim=1)
        rows = torch.arange(len(with_end), device=with_end.device)
        prefix = torch.zeros_like(rows)  # of each caption, at the current level
        inputs = with_end.new_tensor([start])
        self.levels: list[Level] = []
        for tokens in with_end.T:
            token = tokens[rows]
            is_new_edge = torch.ones_like(rows, dtype=torch.bool)
            is_new_edge[1:] = (token[1:] != token[:-1]) | (prefix[1:] != prefix[:-1])
            edge = is_new_edge.cumsum(0) - 1
            edge_tokens = token[is_new_edge]
            continues = edge_tokens != end
            child = torch.where(continues, continues.cumsum(0) - 1, NONE)
            count = prefix[is_new_edge].bincount(minlength=len(inputs))
            first = count.cumsum(0) - count
            caption = torch.where(continues, NONE, rows[is_new_edge])
            self.levels.append(Level(inputs, first, count, edge_tokens, child, caption, rows, edge))
            unfinished = token != end
            inputs, prefix, rows = edge_tokens[continues], child[edge[unfinished]], rows[unfinished]
            if not len(rows):
                break

    @property
    def num_prefixes(self) -> int:
        """Number of distinct prefixes, the empty one included."""
        return sum(len(level.inputs) for level in self.levels)

    @property
    def max_width(self) -> int:
        """Maximum number of prefixes of one length."""
        return max(len(level.inputs) for level in self.levels)

    @property
    def tokens(self) -> Tensor:
        """Distinct tokens of all captions, the end token included, sorted."""
        return torch.cat([level.tokens for level in self.levels]).unique()


def expand_ranges(first: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """Row indices and values, (Σ count,) each, of the ranges first[i], …, first[i] + count[i] - 1 of all rows i."""
    row = torch.arange(len(first), device=first.device).repeat_interleave(count)
    before = count.cumsum(0) - count
    return row, first[row] + torch.arange(len(row), device=first.device) - before[row]
