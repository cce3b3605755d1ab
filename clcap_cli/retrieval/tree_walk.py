"""ln p of all captions with all images by a walk of their prefix tree, with three savings that keep the results exact.

- Prefix tree: each shared prefix is computed once per block of images.
- Pruning: ln p only falls as tokens are added, so an image is dropped from a prefix as soon as its ln p is below the
  floors of all captions under the prefix.
- Bounded softmax: the sum over a shortlist of the vocabulary is at most the full sum, which bounds ln p from above. The
  full sum is computed only for images that this bound cannot exclude.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures, Rows, concatenate
from clcap_cli.retrieval.bounded_softmax import BoundedSoftmax
from clcap_cli.retrieval.prefix_tree import NONE, Level, PrefixTree, expand_ranges

CHUNK_ROWS = 4096
CHUNK_IMAGES = 512
MAX_STATE_ELEMENTS = 2**27
"""Maximum number of elements of the states of a block of images: 512 MiB."""


@dataclass
class Work:
    """Numbers of next-token predictions."""

    distinct: int = 0
    """Distinct prefixes times images: predictions after sharing of prefixes."""
    expanded: int = 0
    """Predictions after pruning."""
    full_softmax: int = 0
    """Predictions that needed the softmax over the full vocabulary."""


@dataclass(frozen=True)
class _Frontier(Rows):
    """Pairs of a prefix and an image that the walk has reached."""

    prefix: Tensor
    image: Tensor
    log_prob: Tensor
    """ln p of the prefix."""
    state: Rows


class TreeWalk:
    """Scores the captions of a tree with images, one block of images after another, and counts the work."""

    def __init__(self, model: Captioner, tree: PrefixTree):
        self.model, self.tree, self.work = model, tree, Work()
        self.softmax = BoundedSoftmax(model.output, tree.tokens)

    @property
    def images_per_block(self) -> int:
        """Number of images whose states fit in memory."""
        numbers = 3 * self.model.state_size  # the state before a token, after it, and selected for the next level
        return max(1, min(CHUNK_IMAGES, MAX_STATE_ELEMENTS // (numbers * self.tree.max_width)))

    def scores(self, images: ImageFeatures, floors: Tensor) -> Tensor:
        """ln p of the U captions with B images, (U, B) float32; -inf where it is below the caption's floor (U,)."""
        encoded = self.model.encode(images)
        scores = floors.new_full((self.tree.num_captions, len(images)), -torch.inf)
        frontier = _start(self.model, encoded)
        self.work.distinct += self.tree.num_prefixes * len(images)
        for level in self.tree.levels:
            parts, edge_floors = [], level.floors(floors)
            for first in range(0, len(frontier), CHUNK_ROWS):
                chunk = frontier[first : first + CHUNK_ROWS]
                hidden, state = self.model.advance(encoded, chunk.image, chunk.state, level.inputs[chunk.prefix])
                row, edge, log_prob = self._expand(level, edge_floors, chunk, hidden)
                ends = level.child[edge] == NONE
                scores[level.caption[edge[ends]], chunk.image[row[ends]]] = log_prob[ends]
                row, edge = row[~ends], edge[~ends]
                parts.append(_Frontier(level.child[edge], chunk.image[row], log_prob[~ends], state[row]))
            if not parts:
                break
            frontier = concatenate(parts)
        return scores

    def _expand(
        self, level: Level, edge_floors: Tensor, chunk: _Frontier, hidden: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Rows and edges of the chunk whose ln p is not below the edge's floor, with that ln p."""
        row, edge = expand_ranges(level.first_edge[chunk.prefix], level.count[chunk.prefix])
        logits, normalizer = self.softmax.shortlist_logits(hidden, row, level.tokens[edge])
        prefix_plus_logit, floor = chunk.log_prob[row] + logits, edge_floors[edge]
        rows = row[prefix_plus_logit - normalizer[row] >= floor].unique_consecutive()
        normalizer[rows] = self.softmax.full_normalizer(hidden[rows], normalizer[rows])
        log_prob = prefix_plus_logit - normalizer[row]
        is_kept = log_prob >= floor
        self.work.expanded += len(chunk)
        self.work.full_softmax += len(rows)
        return row[is_kept], edge[is_kept], log_prob[is_kept]


def _start(model: Captioner, encoded: Rows) -> _Frontier:
    state = model.initial_state(encoded)
    image = torch.arange(len(encoded), device=model.output.weight.device)
    return _Frontier(torch.zeros_like(image), image, torch.zeros_like(image, dtype=torch.float32), state)
