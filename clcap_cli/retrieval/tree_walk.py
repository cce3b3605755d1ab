"""ln p of all captions with all images by a walk of their prefix tree, with three savings that keep the results exact.

- Prefix tree: each shared prefix is computed once per block of images.
- Pruning: ln p only falls as tokens are added, so an image is dropped from a prefix as soon as an upper bound of its
  ln p is below the floors of all captions with this prefix.
- Bounded softmax: the sum over a shortlist of the vocabulary is at most the full sum, which bounds ln p from above. A
  first pass prunes by this bound. A second pass computes the full sum, only for prefixes of captions that the first
  pass has reached the end of.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Self

import torch
from torch import Tensor

from clcap_cli.compute.collectives import all_reduced
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures, Rows, concatenate
from clcap_cli.retrieval.bounded_softmax import BoundedSoftmax
from clcap_cli.retrieval.prefix_tree import NONE, Level, PrefixTree, expand_ranges

CHUNK_ROWS = 4096
CHUNK_IMAGES = 512
MAX_STATE_ELEMENTS = 2**28
"""Maximum number of elements of the states of a block of images: 1 GiB, of which pruning leaves a fraction."""


@dataclass
class Work:
    """Numbers of next-token predictions."""

    distinct: int = 0
    """Distinct prefixes times images: predictions after sharing of prefixes."""
    expanded: int = 0
    """Predictions after pruning."""
    full_softmax: int = 0
    """Predictions that needed the softmax over the full vocabulary."""

    def of_all_processes(self) -> Self:
        """The work of all processes together."""
        return type(self)(*all_reduced(torch.tensor(astuple(self))).tolist())


@dataclass(frozen=True)
class _Frontier(Rows):
    """Pairs of a prefix and an image that the walk has reached."""

    prefix: Tensor
    image: Tensor
    bound: Tensor
    """Upper bound of the prefix's ln p."""
    state: Rows


@dataclass(frozen=True)
class _Predictions(Rows):
    """Next-token predictions of pairs of a prefix and an image."""

    image: Tensor
    hidden: Tensor
    """Input of the output layer."""
    normalizer: Tensor
    """ln Σ exp over the shortlist."""


@dataclass(frozen=True)
class _Edges(Rows):
    """Tokens after pairs of a prefix and an image; the ln p of the token is its logit minus the full normalizer."""

    row: Tensor
    """Row of the predictions of the pair, in ascending order."""
    edge: Tensor
    logit: Tensor
    floor: Tensor
    """The lowest floor of the captions below the edge."""


@dataclass(frozen=True)
class _Expanded:
    """What the first pass found for the prefixes of one length."""

    level: Level
    predictions: _Predictions
    edges: _Edges
    """The edges whose bound is not below their floor."""

    @property
    def ends(self) -> Tensor:
        """Whether each edge is the end of a caption."""
        return self.level.child[self.edges.edge] == NONE


class TreeWalk:
    """Scores the captions of a tree with images, one block of images after another, and counts the work."""

    def __init__(self, model: Captioner, tree: PrefixTree):
        self.model, self.tree, self.work = model, tree, Work()
        self.softmax = BoundedSoftmax(model.output, tree.tokens)

    @property
    def images_per_block(self) -> int:
        """Number of images whose states fit in memory."""
        states = 3 * self.model.state_size  # the state before a token, after it, and selected for the next level
        hidden = self.model.output.in_features
        elements = states * self.tree.max_width + hidden * self.tree.num_prefixes + self.model.encoded_size
        return max(1, min(CHUNK_IMAGES, MAX_STATE_ELEMENTS // elements))

    def scores(self, images: ImageFeatures, floors: Tensor, known: Tensor | None = None) -> Tensor:
        """ln p of the U captions with B images, (U, B) float32; -inf where it is below the caption's floor (U,).

        ``known`` (B,) is a caption of each image whose ln p need not be computed; NONE for an image without one.
        """
        encoded = self.model.encode(images)
        self.work.distinct += self.tree.num_prefixes * len(images)
        walked = list(self._bounded_pass(encoded, floors))
        scores = floors.new_full((self.tree.num_captions, len(images)), -torch.inf)
        log_prob = floors.new_zeros(len(images))
        for expanded, is_needed in zip(walked, _needed_edges(walked, known), strict=True):
            total, ends = self._exact_log_probs(expanded, is_needed, log_prob), expanded.ends
            last = expanded.edges[ends]
            scores[expanded.level.caption[last.edge], expanded.predictions.image[last.row]] = total[ends]
            log_prob = total[~ends]
        return scores

    def _bounded_pass(self, encoded: Rows, floors: Tensor) -> Iterator[_Expanded]:
        """Expand all prefixes, pruning by the bound of their ln p."""
        frontier = _start(self.model, encoded)
        for level in self.tree.levels:
            edge_floors, parts = level.floors(floors), []
            for first in range(0, len(frontier), CHUNK_ROWS):
                chunk = frontier[first : first + CHUNK_ROWS]
                parts.append(self._expand(encoded, level, edge_floors, chunk, first))
            if not parts:
                return
            predictions, edges, children = zip(*parts, strict=True)
            yield _Expanded(level, concatenate(predictions), concatenate(edges))
            frontier = concatenate(children)

    def _expand(
        self, encoded: Rows, level: Level, edge_floors: Tensor, chunk: _Frontier, first: int
    ) -> tuple[_Predictions, _Edges, _Frontier]:
        """Predictions of a chunk from row ``first`` of the frontier, the edges to keep, and the prefixes below them."""
        hidden, state = self.model.advance(encoded, chunk.image, chunk.state, level.inputs[chunk.prefix])
        row, edge = expand_ranges(level.first_edge[chunk.prefix], level.count[chunk.prefix])
        logit, normalizer = self.softmax.shortlist_logits(hidden, row, level.tokens[edge])
        bound, floor = chunk.bound[row] + logit - normalizer[row], edge_floors[edge]
        kept = (bound >= floor).nonzero().squeeze(1)
        row, edge, bound = row[kept], edge[kept], bound[kept]
        child = level.child[edge]
        goes_on = child != NONE
        below = row[goes_on]
        self.work.expanded += len(chunk)
        return (
            _Predictions(chunk.image, hidden, normalizer),
            _Edges(row + first, edge, logit[kept], floor[kept]),
            _Frontier(child[goes_on], chunk.image[below], bound[goes_on], state[below]),
        )

    def _exact_log_probs(self, expanded: _Expanded, is_needed: Tensor, log_prob: Tensor) -> Tensor:
        """ln p after each edge, from that of the prefixes; -inf where it is not needed or below the edge's floor."""
        edges, normalizer = expanded.edges, expanded.predictions.normalizer.clone()
        total = log_prob[edges.row] + edges.logit
        rows = edges.row[is_needed & (total - normalizer[edges.row] >= edges.floor)].unique_consecutive()
        normalizer[rows] = self.softmax.full_normalizer(expanded.predictions.hidden[rows], normalizer[rows])
        self.work.full_softmax += len(rows)
        total -= normalizer[edges.row]
        return total.where(is_needed & (total >= edges.floor), -torch.inf)


def _needed_edges(walked: list[_Expanded], known: Tensor | None) -> list[Tensor]:
    """Whether each edge of each level leads to the end of a caption that the first pass reached and is not known."""
    needed: list[Tensor] = []
    for expanded in reversed(walked):
        ends = is_needed = expanded.ends
        if known is not None:
            edges = expanded.edges
            is_needed = ends & (expanded.level.caption[edges.edge] != known[expanded.predictions.image[edges.row]])
        if needed:
            below = walked[len(walked) - len(needed)]
            has_needed = torch.zeros(len(below.predictions), dtype=torch.bool, device=is_needed.device)
            has_needed[below.edges.row[needed[-1]]] = True
            is_needed = is_needed.masked_scatter(~ends, has_needed)
        needed.append(is_needed)
    return needed[::-1]


def _start(model: Captioner, encoded: Rows) -> _Frontier:
    state = model.initial_state(encoded)
    image = torch.arange(len(encoded), device=model.output.weight.device)
    return _Frontier(torch.zeros_like(image), image, torch.zeros_like(image, dtype=torch.float32), state)
