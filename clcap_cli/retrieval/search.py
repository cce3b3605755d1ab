"""Search for the rank of each caption's own image: exact, at a fraction of the work of the full matrix.

Ranks are counted while the prefix tree is walked. Each caption has a floor: its ln p for its own image. An image is
dropped from a prefix once an upper bound of the prefix's ln p is below the floors of all captions with this prefix.

If the best K images of each caption are wanted too, its floor is at most an ln p that K images reach: at first that of
similar images, because a caption often fits these as well, then that of the best images of earlier blocks. The first
blocks are small, so that few images are scored with a low floor.
"""

from dataclasses import astuple, dataclass

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.partial_ranks import PartialRanks
from clcap_cli.compute.processes import processes
from clcap_cli.features.source import FeatureSource, split_into_blocks
from clcap_cli.models.captioner import Captioner
from clcap_cli.retrieval.best_images import BestImages
from clcap_cli.retrieval.kept import KEEPS_NOTHING, KeepsNothing
from clcap_cli.retrieval.pair_scores import lowest_log_probs, matched_log_probs
from clcap_cli.retrieval.prefix_tree import NONE, PrefixTree
from clcap_cli.retrieval.ranks import TOLERANCE, RankCounter, Ranks, check_finite
from clcap_cli.retrieval.similar_images import similar_images
from clcap_cli.retrieval.tracking import Track, untracked
from clcap_cli.retrieval.tree_walk import TreeWalk, Work

FIRST_BLOCK = 16
"""Number of images in the first block of a search for the best images; each block is twice as large as the last."""


@dataclass(frozen=True)
class SearchResult:
    """Result of a search with C captions."""

    ranks: Ranks
    log_prob: Tensor
    """(C,) ln p(c|I) of each caption with its own image."""
    best: BestImages
    """The images with the highest ln p of each caption."""
    work: Work


@torch.inference_mode()
def find_ranks(
    model: Captioner,
    features: FeatureSource,
    captions: Tensor,
    lengths: Tensor,
    track: Track = untracked,
    pools: Tensor | None = None,
    num_best: int = 0,
    kept: KeepsNothing = KEEPS_NOTHING,
) -> SearchResult:
    """The rank of each caption's own image; caption i was generated for image i of ``features``.

    ``features`` may have more images than there are captions: those after the captions' own are distractors.
    ``captions`` is (C, T) int64; only the first ``lengths`` (C,) tokens of each row count. ``pools`` (C, P) lists the
    images among which each caption's own is ranked, the own first and then the most similar ones; None stands for all
    images. The ``num_best`` images with the highest ln p are found as well. Ranks equal those of ``rank`` applied to
    ``score_matrix``. ``track`` wraps the blocks of work to show progress. Several processes share the images. ``kept``
    keeps what is counted, and has what an earlier run counted.

    Raises ClcapError if an ln p is not finite.
    """
    captions = _fill_with_end(captions, lengths, model.config.end_token)
    unique, index = captions.unique(dim=0, return_inverse=True)
    log_prob = check_finite(matched_log_probs(model, features, captions, lengths))
    reached = log_prob
    if num_best:
        others = pools[:, 1:num_best] if pools is not None else similar_images(features, num_best - 1, len(index))
        alone = index.bincount()[index] < num_best if pools is None else torch.ones_like(index, dtype=torch.bool)
        reached = torch.full_like(log_prob, torch.inf)  # equal captions of num_best images: their own ln p suffices
        reached[alone] = lowest_log_probs(model, features, captions[alone], lengths[alone], others[alone])
    walk = TreeWalk(model, PrefixTree(unique, model.config.start_token, model.config.end_token))
    own_caption = torch.cat([index, index.new_full((len(features) - len(index),), NONE)])
    found, is_known = kept.start(_nothing_counted(log_prob, len(features), num_best))
    counter, best = RankCounter(log_prob, found.better, found.better_or_tied), BestImages(found.image, found.log_prob)
    done, walk.work = found.done.clone(), Work(*found.work.tolist())
    blocks = _own_blocks(is_known, walk.images_per_block, grow=num_best > 0)
    for positions in track(blocks, len(blocks)):
        floors = torch.minimum(log_prob, torch.maximum(reached, best.floor)) - TOLERANCE
        images = torch.from_numpy(positions).to(index.device)
        known = own_caption[images]
        distinct_scores = walk.scores(features.read(positions), _lowest_of_groups(floors, index), known)
        own = images[known != NONE]
        distinct_scores[index[own], own - images[0]] = log_prob[own]
        scores = distinct_scores[index]
        if pools is not None:
            scores[~_in_block(pools, images)] = -torch.inf
        counter.count(scores)
        best = best.with_block(scores, int(positions[0]))
        done[images] = True
        work = torch.tensor(astuple(walk.work))
        kept.after_block(PartialRanks(done, counter.better, counter.better_or_tied, best.image, best.log_prob, work))
    return SearchResult(counter.ranks(), log_prob, best.of_all_processes(), walk.work.of_all_processes())


@torch.inference_mode()
def score_matrix(
    model: Captioner, features: FeatureSource, captions: Tensor, lengths: Tensor, track: Track = untracked
) -> Tensor:
    """ln p(c|I) of C captions and N images, (C, N) float32; parameters as in ``find_ranks``."""
    captions = _fill_with_end(captions, lengths, model.config.end_token)
    unique, index = captions.unique(dim=0, return_inverse=True)
    walk = TreeWalk(model, PrefixTree(unique, model.config.start_token, model.config.end_token))
    floors = torch.full((len(unique),), -torch.inf, device=captions.device)
    blocks = features.blocks(walk.images_per_block)
    columns = [walk.scores(features.read(positions), floors) for positions in track(blocks, len(blocks))]
    return torch.cat(columns, dim=1)[index]


def _fill_with_end(captions: Tensor, lengths: Tensor, end: int) -> Tensor:
    """Replace the padding of captions (C, T) by the end token."""
    position = torch.arange(captions.shape[1], device=captions.device)
    return captions.masked_fill(position >= lengths.unsqueeze(1), end)


def _nothing_counted(log_prob: Tensor, images: int, num_best: int) -> PartialRanks:
    """The counts before the first block, for captions with the ln p (C,) of their own images."""
    best = BestImages.unknown(log_prob, num_best)
    zeros = torch.zeros_like(log_prob, dtype=torch.int64)
    done, work = torch.zeros(images, dtype=torch.bool, device=log_prob.device), torch.zeros(3, dtype=torch.int64)
    return PartialRanks(done, zeros, zeros, best.image, best.log_prob, work)


def _own_blocks(is_known: Tensor, size: int, grow: bool) -> list[np.ndarray]:
    """This process's share of the images that are not counted yet, in blocks of neighbouring positions."""
    remaining = np.flatnonzero(~is_known.cpu().numpy())
    share = np.array(processes().share(remaining.tolist()), dtype=np.int64)
    runs = np.split(share, np.flatnonzero(np.diff(share) > 1) + 1)
    return [block for run in runs for block in (_growing_blocks(run, size) if grow else split_into_blocks(run, size))]


def _growing_blocks(positions: np.ndarray, largest: int) -> list[np.ndarray]:
    """The positions in blocks that double in size up to ``largest``."""
    blocks, first, size = [], 0, min(FIRST_BLOCK, largest)
    while first < len(positions):
        blocks.append(positions[first : first + size])
        first, size = first + size, min(2 * size, largest)
    return blocks


def _lowest_of_groups(values: Tensor, group: Tensor) -> Tensor:
    """The lowest of the values (C,) of each group, from the group (C,) of each."""
    groups = int(group.max()) + 1
    return values.new_full((groups,), torch.inf).scatter_reduce(0, group, values, "amin")


def _in_block(pools: Tensor, positions: Tensor) -> Tensor:
    """(C, B) bool: whether each of B consecutive images is in the pool of each caption, from ``pools`` (C, P)."""
    row, column = ((pools >= positions[0]) & (pools <= positions[-1])).nonzero(as_tuple=True)
    in_pool = torch.zeros(len(pools), len(positions), dtype=torch.bool, device=pools.device)
    in_pool[row, pools[row, column] - positions[0]] = True
    return in_pool
