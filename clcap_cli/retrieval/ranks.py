"""Self-retrieval: at which rank a caption finds the image that it was written for (Dai & Lin 2017, section 3)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.errors import ClcapError
from clcap_cli.metrics.self_retrieval import CUTOFFS

TOLERANCE = 1e-4
"""Two ln p that differ by no more than this count as a tie: float32 sums of a caption's words are not finer."""


@dataclass(frozen=True)
class Ranks:
    """Where the right image stands for each of C captions."""

    better: Tensor
    """(C,) int64: images that score higher than the right one."""
    tied: Tensor
    """(C,) int64: images that score the same, the right one included, so at least 1."""

    @property
    def expected(self) -> Tensor:
        """(C,) float64: the rank, from 1, with ties in random order: the middle of the ranks that the tie takes up."""
        return 1 + self.better + (self.tied - 1) / 2

    def recall(self, k: int) -> float:
        """R@k: the share of captions whose image is in the first k; a tie across the border counts in proportion."""
        return float(((k - self.better).double() / self.tied).clamp(0, 1).mean())


def rank(scores: Tensor, right: Tensor) -> Ranks:
    """Rank the right image of each caption.

    ``scores`` is (C, N) ln p(c|I), ``right`` (C,) the column of the image that the caption was written for.

    Raises ClcapError for scores that are not numbers.
    """
    own = check_finite(scores.gather(1, right.unsqueeze(1)))
    better = (scores > own + TOLERANCE).sum(dim=1)
    at_least = (scores >= own - TOLERANCE).sum(dim=1)
    return Ranks(better.cpu(), (at_least - better).cpu())


def check_finite(log_probs: Tensor) -> Tensor:
    """``log_probs``, or a ClcapError if one of them is not a number."""
    if not torch.isfinite(log_probs).all():
        raise ClcapError("the model gives captions a ln p that is not a number; its training diverged")
    return log_probs


def retrieval_metrics(ranks: Ranks, images: int) -> dict[str, float]:
    """The study's metrics: R@k for every k below the pool's size, and the ranks' median and mean."""
    metrics = {f"R@{k}": ranks.recall(k) for k in CUTOFFS if k < images}
    expected = ranks.expected.double()
    return {**metrics, "median_rank": _median(expected), "mean_rank": float(expected.mean())}


def chance_metrics(images: int) -> dict[str, float]:
    """What captions that say nothing about their image would give."""
    metrics = {f"R@{k}": k / images for k in CUTOFFS if k < images}
    return {**metrics, "median_rank": (images + 1) / 2, "mean_rank": (images + 1) / 2}


def _median(values: Tensor) -> float:
    return float(torch.quantile(values, 0.5))
