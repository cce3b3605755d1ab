"""ln p of all captions with all images by a walk of their prefix tree, with three savings that keep the results exact.

- Prefix tree: each shared prefix is computed once per block of images.
- Pruning: ln p only falls as tokens are added, so an image is dropped from a prefix as soon as its ln p is below the
  floors of all captions under the prefix.
- Bounded softmax: the sum over a shortlist of the vocabulary is at most the full sum, which bounds ln p from above. The
  full sum is computed only for images that this bound cannot exclude.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import Rows, concatenate
from clcap_cli.retrieval.bounded_softmax import BoundedSoftmax
from clcap_cli.retrieval.prefix_tree import NONE, Level, PrefixTree, expand_ranges
from clcap_cli.retrieval.tracking import Track

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


def walk(
    model: Captioner,
    features: FeatureSource,
    tree: PrefixTree,
    on_caption: Callable[[Tensor, Tensor, Tensor], None],
    track: Track,
) -> Work:
    """Compute ln p of every caption with every image, except where it is below the caption's floor.

    ``on_caption`` is called with completed captions, their images and ln p, (x,) each.
    """
    work = Work(distinct=tree.num_prefixes * len(features))
    softmax = BoundedSoftmax(model.output, tree.tokens)
    blocks = features.blocks(_images_per_block(model, tree))
    for positions in track(blocks, len(blocks)):
        encoded = model.encode(features.read(positions))
        frontier = _start(model, encoded)
        for level in tree.levels:
            parts = []
            for first in range(0, len(frontier), CHUNK_ROWS):
                chunk = frontier[first : first + CHUNK_ROWS]
                hidden, state = model.advance(encoded, chunk.image, chunk.state, level.inputs[chunk.prefix])
                row, edge, log_prob, num_full = _expand(softmax, level, chunk, hidden)
                work.expanded, work.full_softmax = work.expanded + len(chunk), work.full_softmax + num_full
                ends = level.child[edge] == NONE
                on_caption(level.caption[edge[ends]], chunk.image[row[ends]] + int(positions[0]), log_prob[ends])
                row, edge = row[~ends], edge[~ends]
                parts.append(_Frontier(level.child[edge], chunk.image[row], log_prob[~ends], state[row]))
            if not parts:
                break
            frontier = concatenate(parts)
    return work


def _expand(
    softmax: BoundedSoftmax, level: Level, chunk: _Frontier, hidden: Tensor
) -> tuple[Tensor, Tensor, Tensor, int]:
    """Rows and edges of the chunk whose ln p is not below the edge's floor, with that ln p.

    Also returns the number of rows that needed the full softmax.
    """
    row, edge = expand_ranges(level.first_edge[chunk.prefix], level.count[chunk.prefix])
    logits, normalizer = softmax.shortlist_logits(hidden, row, level.tokens[edge])
    prefix_plus_logit, floor = chunk.log_prob[row] + logits, level.floor[edge]
    rows = row[prefix_plus_logit - normalizer[row] >= floor].unique_consecutive()
    normalizer[rows] = softmax.full_normalizer(hidden[rows], normalizer[rows])
    log_prob = prefix_plus_logit - normalizer[row]
    is_kept = log_prob >= floor
    return row[is_kept], edge[is_kept], log_prob[is_kept], len(rows)


def _start(model: Captioner, encoded: Rows) -> _Frontier:
    state = model.initial_state(encoded)
    image = torch.arange(len(encoded), device=model.output.weight.device)
    return _Frontier(torch.zeros_like(image), image, torch.zeros_like(image, dtype=torch.float32), state)


def _images_per_block(model: Captioner, tree: PrefixTree) -> int:
    numbers = 3 * model.state_size  # the state before a token, after it, and selected for the next level
    return max(1, min(CHUNK_IMAGES, MAX_STATE_ELEMENTS // (numbers * tree.max_width)))
