"""Which rank each caption gives to its image: exactly, and with a fraction of the work.

Ranks are counted while the tree of captions is walked, with the right image's ln p as the floor of each caption.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.retrieval.prefix_tree import PrefixTree, expand_ranges
from clcap_cli.retrieval.ranks import TOLERANCE, Ranks, check_finite
from clcap_cli.retrieval.tree_walk import Track, Work, untracked, walk


@dataclass(frozen=True)
class SearchResult:
    """The outcome for C captions."""

    ranks: Ranks
    own: Tensor
    """(C,) ln p(c|I) with the right image."""
    work: Work


@torch.inference_mode()
def find_ranks(
    model: Captioner, features: FeatureSource, captions: Tensor, lengths: Tensor, track: Track = untracked
) -> SearchResult:
    """At which rank each caption finds its image; caption c was written for the c-th image of ``features``.

    ``captions`` is (C, T) int64, of which the first ``lengths`` (C,) words count. The ranks are those that ``rank``
    gives for ``score_matrix``. ``track`` is given the blocks of work and their number, and passes them on.

    Raises ClcapError for ln p that are not numbers.
    """
    start, end = model.config.start_token, model.config.end_token
    captions = _ended(captions, lengths, end)
    own = check_finite(_own_scores(model, features, captions, lengths))
    unique, which = captions.unique(dim=0, return_inverse=True)
    floors = own.new_full((len(unique),), torch.inf).scatter_reduce(0, which, own - TOLERANCE, "amin")
    counter = _RankCounter(own, which)
    work = walk(model, features, PrefixTree(unique, floors, start, end), counter.count, track)
    return SearchResult(counter.ranks(), own, work)


@torch.inference_mode()
def score_matrix(
    model: Captioner, features: FeatureSource, captions: Tensor, lengths: Tensor, track: Track = untracked
) -> Tensor:
    """ln p(c|I) of C captions under the N images of ``features``: (C, N) float32; see find_ranks."""
    start, end = model.config.start_token, model.config.end_token
    unique, which = _ended(captions, lengths, end).unique(dim=0, return_inverse=True)
    scores = torch.empty(len(unique), len(features), device=captions.device)
    everything = scores.new_full((len(unique),), -torch.inf)

    def keep(caption: Tensor, image: Tensor, log_prob: Tensor) -> None:
        scores[caption, image] = log_prob

    walk(model, features, PrefixTree(unique, everything, start, end), keep, track)
    return scores[which]


def _ended(captions: Tensor, lengths: Tensor, end: int) -> Tensor:
    """The captions (C, T) with the end token wherever no token counts."""
    place = torch.arange(captions.shape[1], device=captions.device)
    return captions.masked_fill(place >= lengths.unsqueeze(1), end)


def _own_scores(model: Captioner, features: FeatureSource, captions: Tensor, lengths: Tensor) -> Tensor:
    """ln p of each caption with the image that it was written for, (C,)."""
    scores = []
    for positions in features.blocks():
        rows = slice(int(positions[0]), int(positions[-1]) + 1)
        image = torch.arange(len(positions), device=captions.device)
        encoded = model.encode(features.read(positions))
        scores.append(model.sequence_log_prob(encoded, captions[rows], lengths[rows], image))
    return torch.cat(scores)


class _RankCounter:
    """Counts, for each caption, the images that score better than the right one, and those that tie with it."""

    def __init__(self, own: Tensor, which: Tensor):
        self.own = own
        self.captions = which.argsort(stable=True)  # of the first different caption, of the second, ...
        self.count_of = which.bincount()
        self.first_of = self.count_of.cumsum(0) - self.count_of
        self.better, self.at_least = (torch.zeros_like(own, dtype=torch.int64) for _ in range(2))

    def count(self, caption: Tensor, image: Tensor, log_prob: Tensor) -> None:
        row, place = expand_ranges(self.first_of[caption], self.count_of[caption])
        captions = self.captions[place]
        above = log_prob[row] - self.own[captions]
        self.better.index_add_(0, captions, (above > TOLERANCE).long())
        self.at_least.index_add_(0, captions, (above >= -TOLERANCE).long())

    def ranks(self) -> Ranks:
        return Ranks(self.better.cpu(), (self.at_least - self.better).clamp(min=1).cpu())
