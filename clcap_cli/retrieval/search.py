"""Search for the rank of each caption's own image: exact, at a fraction of the work of the full matrix.

Ranks are counted while the prefix tree is walked. Each caption has a floor: its ln p for its own image. For an image, a
branch is pruned once the prefix's ln p is below the floors of all captions in the branch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.retrieval.prefix_tree import PrefixTree, expand_ranges
from clcap_cli.retrieval.ranks import TOLERANCE, Ranks, check_finite
from clcap_cli.retrieval.tracking import Track, untracked
from clcap_cli.retrieval.tree_walk import Work, walk


@dataclass(frozen=True)
class SearchResult:
    """Result of a search with C captions."""

    ranks: Ranks
    log_prob: Tensor
    """(C,) ln p(c|I) of each caption with its own image."""
    work: Work


@torch.inference_mode()
def find_ranks(
    model: Captioner, features: FeatureSource, captions: Tensor, lengths: Tensor, track: Track = untracked
) -> SearchResult:
    """The rank of each caption's own image; caption i was generated for image i of ``features``.

    ``captions`` is (C, T) int64; only the first ``lengths`` (C,) tokens of each row count. The ranks equal those of
    ``rank`` applied to ``score_matrix``. ``track`` wraps the blocks of work to show progress.

    Raises ClcapError if an ln p is not finite.
    """
    start, end = model.config.start_token, model.config.end_token
    captions = _fill_with_end(captions, lengths, end)
    log_prob = check_finite(_matched_log_probs(model, features, captions, lengths))
    unique, unique_index = captions.unique(dim=0, return_inverse=True)
    floors = log_prob.new_full((len(unique),), torch.inf).scatter_reduce(0, unique_index, log_prob - TOLERANCE, "amin")
    counter = _RankCounter(log_prob, unique_index)
    work = walk(model, features, PrefixTree(unique, floors, start, end), counter.count, track)
    return SearchResult(counter.ranks(), log_prob, work)


@torch.inference_mode()
def score_matrix(
    model: Captioner, features: FeatureSource, captions: Tensor, lengths: Tensor, track: Track = untracked
) -> Tensor:
    """ln p(c|I) of C captions and N images, (C, N) float32; parameters as in ``find_ranks``."""
    start, end = model.config.start_token, model.config.end_token
    unique, unique_index = _fill_with_end(captions, lengths, end).unique(dim=0, return_inverse=True)
    scores = torch.empty(len(unique), len(features), device=captions.device)
    floors = scores.new_full((len(unique),), -torch.inf)

    def store(caption: Tensor, image: Tensor, log_prob: Tensor) -> None:
        scores[caption, image] = log_prob

    walk(model, features, PrefixTree(unique, floors, start, end), store, track)
    return scores[unique_index]


def _fill_with_end(captions: Tensor, lengths: Tensor, end: int) -> Tensor:
    """Replace the padding of captions (C, T) by the end token."""
    position = torch.arange(captions.shape[1], device=captions.device)
    return captions.masked_fill(position >= lengths.unsqueeze(1), end)


def _matched_log_probs(model: Captioner, features: FeatureSource, captions: Tensor, lengths: Tensor) -> Tensor:
    """ln p (C,) of each caption with its own image."""
    scores = []
    for positions in features.blocks():
        rows = slice(int(positions[0]), int(positions[-1]) + 1)
        image = torch.arange(len(positions), device=captions.device)
        encoded = model.encode(features.read(positions))
        scores.append(model.sequence_log_prob(encoded, captions[rows], lengths[rows], image))
    return torch.cat(scores)


class _RankCounter:
    """Counts, for each caption, the images with a higher ln p than its own image and the images that tie with it."""

    def __init__(self, log_prob: Tensor, unique_index: Tensor):
        self.log_prob = log_prob
        self.captions = unique_index.argsort(stable=True)  # grouped by distinct caption
        self.group_size = unique_index.bincount()
        self.group_start = self.group_size.cumsum(0) - self.group_size
        self.better, self.better_or_tied = (torch.zeros_like(log_prob, dtype=torch.int64) for _ in range(2))

    def count(self, caption: Tensor, image: Tensor, log_prob: Tensor) -> None:
        row, position = expand_ranges(self.group_start[caption], self.group_size[caption])
        captions = self.captions[position]
        margin = log_prob[row] - self.log_prob[captions]
        self.better.index_add_(0, captions, (margin > TOLERANCE).long())
        self.better_or_tied.index_add_(0, captions, (margin >= -TOLERANCE).long())

    def ranks(self) -> Ranks:
        return Ranks(self.better.cpu(), (self.better_or_tied - self.better).clamp(min=1).cpu())
