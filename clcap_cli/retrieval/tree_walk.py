"""Every caption under every image, with three savings of which none changes a ln p that matters.

- Prefix tree: captions share their prefixes, and each prefix is followed once a block of images.
- Pruning: ln p only falls as words are added, so an image that is below the floor of every caption under a prefix
  can be left there.
- Bounded softmax: the sum over a shortlist of the vocabulary is less than the whole, which bounds ln p from above; only
  images that the bound cannot dismiss get the whole.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import Rows, concatenate
from clcap_cli.retrieval.bounded_softmax import BoundedSoftmax
from clcap_cli.retrieval.prefix_tree import NONE, Level, PrefixTree, expand_ranges

CHUNK_ROWS = 4096
CHUNK_IMAGES = 512
MAX_STATE_ELEMENTS = 2**27
"""The states of a block of images take at most so many numbers: 512 MiB."""

Track = Callable[[Iterable, int], Iterable]


def untracked(blocks: Iterable, total: int) -> Iterable:
    """Nobody is told about the progress."""
    return blocks


@dataclass
class Work:
    """How much was computed, counted in predictions of a next word."""

    shared: int = 0
    """Different prefixes times images: predictions left after sharing prefixes."""
    expanded: int = 0
    """Predictions left after pruning."""
    full_softmax: int = 0
    """Predictions of these that needed the softmax over the full vocabulary."""


@dataclass(frozen=True)
class _Front(Rows):
    """Where the walk stands: prefixes, each with an image."""

    node: Tensor
    image: Tensor
    log_prob: Tensor
    """Of the prefix's words."""
    state: Rows


def walk(
    model: Captioner,
    features: FeatureSource,
    tree: PrefixTree,
    complete: Callable[[Tensor, Tensor, Tensor], None],
    track: Track,
) -> Work:
    """Follow every caption under every image, as long as its ln p is not below its floor.

    ``complete`` is given captions that came to their end, their images, and ln p, (x,) each.
    """
    work = Work(shared=tree.prefixes * len(features))
    softmax = BoundedSoftmax(model.output, tree.words)
    blocks = features.blocks(_images_at_once(model, tree))
    for positions in track(blocks, len(blocks)):
        encoded = model.encode(features.read(positions))
        front = _start(model, encoded)
        for level in tree.levels:
            parts = []
            for first in range(0, len(front), CHUNK_ROWS):
                here = front[first : first + CHUNK_ROWS]
                hidden, state = model.advance(encoded, here.image, here.state, level.inputs[here.node])
                row, edge, log_prob, full = _followers(softmax, level, here, hidden)
                work.expanded, work.full_softmax = work.expanded + len(here), work.full_softmax + full
                ends = level.child[edge] == NONE
                complete(level.caption[edge[ends]], here.image[row[ends]] + int(positions[0]), log_prob[ends])
                row, edge = row[~ends], edge[~ends]
                parts.append(_Front(level.child[edge], here.image[row], log_prob[~ends], state[row]))
            if not parts:
                break
            front = concatenate(parts)
    return work


def _followers(
    softmax: BoundedSoftmax, level: Level, here: _Front, hidden: Tensor
) -> tuple[Tensor, Tensor, Tensor, int]:
    """Rows, their edges and ln p with the edge's word, where it is not below the floor; how many took the whole sum."""
    row, edge = expand_ranges(level.first[here.node], level.count[here.node])
    chosen, normalizer = softmax.shortlist(hidden, row, level.words[edge])
    before, floor = here.log_prob[row] + chosen, level.floor[edge]
    rows = row[before - normalizer[row] >= floor].unique_consecutive()
    normalizer[rows] = softmax.full(hidden[rows], normalizer[rows])
    log_prob = before - normalizer[row]
    stays = log_prob >= floor
    return row[stays], edge[stays], log_prob[stays], len(rows)


def _start(model: Captioner, encoded: Rows) -> _Front:
    state = model.initial_state(encoded)
    image = torch.arange(len(encoded), device=model.output.weight.device)
    return _Front(torch.zeros_like(image), image, torch.zeros_like(image, dtype=torch.float32), state)


def _images_at_once(model: Captioner, tree: PrefixTree) -> int:
    numbers = 3 * model.state_size  # before, after, and picked for the next level
    return max(1, min(CHUNK_IMAGES, MAX_STATE_ELEMENTS // (numbers * tree.widest)))
