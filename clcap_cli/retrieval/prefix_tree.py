"""All captions as one tree of their prefixes: what captions share is computed once."""

from dataclasses import dataclass

import torch
from torch import Tensor

NONE = -1


@dataclass(frozen=True)
class Level:
    """The prefixes of one length, and the words that follow them."""

    inputs: Tensor
    """(n,) the last word of each prefix."""
    first: Tensor
    """(n,) its first edge; its edges follow one another."""
    count: Tensor
    """(n,) how many words follow it."""
    words: Tensor
    """(e,) the word of each edge, END included."""
    child: Tensor
    """(e,) the prefix that the edge leads to, in the next level; NONE for END."""
    caption: Tensor
    """(e,) the caption that END completes; NONE for other words."""
    floor: Tensor
    """(e,) the lowest ln p that matters to any caption under the edge."""


class PrefixTree:
    """The tree of U different captions (U, T), sorted as ``Tensor.unique(dim=0)`` sorts them, ``end`` after their end.

    ``floors`` (U,): ln p below a caption's floor is of no interest.
    """

    def __init__(self, captions: Tensor, floors: Tensor, start: int, end: int):
        ended = torch.cat([captions, captions.new_full((len(captions), 1), end)], dim=1)
        rows = torch.arange(len(ended), device=ended.device)
        node = torch.zeros_like(rows)  # where each caption stands
        inputs = ended.new_tensor([start])
        self.levels: list[Level] = []
        for words in ended.T:
            word = words[rows]
            new = torch.ones_like(rows, dtype=torch.bool)
            new[1:] = (word[1:] != word[:-1]) | (node[1:] != node[:-1])
            edge = new.cumsum(0) - 1
            of_edge = word[new]
            goes_on = of_edge != end
            child = torch.where(goes_on, goes_on.cumsum(0) - 1, NONE)
            floor = floors.new_full((len(of_edge),), torch.inf).scatter_reduce(0, edge, floors[rows], "amin")
            count = node[new].bincount(minlength=len(inputs))
            first = count.cumsum(0) - count
            caption = torch.where(goes_on, NONE, rows[new])
            self.levels.append(Level(inputs, first, count, of_edge, child, caption, floor))
            alive = word != end
            inputs, node, rows = of_edge[goes_on], child[edge[alive]], rows[alive]
            if not len(rows):
                break

    @property
    def prefixes(self) -> int:
        """Different prefixes, the empty one included."""
        return sum(len(level.inputs) for level in self.levels)

    @property
    def widest(self) -> int:
        """The most prefixes of one length."""
        return max(len(level.inputs) for level in self.levels)

    @property
    def words(self) -> Tensor:
        """The different words of all captions, END included, in order."""
        return torch.cat([level.words for level in self.levels]).unique()


def expand_ranges(first: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """The numbers first[0], …, first[0] + count[0] - 1, first[1], … and which row each comes from, (Σ count,) each."""
    row = torch.arange(len(first), device=first.device).repeat_interleave(count)
    before = count.cumsum(0) - count
    return row, first[row] + torch.arange(len(row), device=first.device) - before[row]
