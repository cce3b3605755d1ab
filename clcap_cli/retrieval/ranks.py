"""Self-retrieval: the rank of a caption's own image among all images by ln p(c|I) (Dai & Lin 2017, section 3)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.compute.collectives import all_reduced
from clcap_cli.errors import NonFiniteError
from clcap_cli.metrics.self_retrieval import CUTOFFS, rank_statistics
from clcap_cli.metrics.statistic import Statistic

TOLERANCE = 1e-4
"""Maximum difference of ln p that counts as a tie, for the rounding of float32 sums over a caption's tokens."""


@dataclass(frozen=True)
class Ranks:
    """Rank of each of C captions' own image, with ties."""

    better: Tensor
    """(C,) int64: number of images with a higher ln p than the caption's own image."""
    tied: Tensor
    """(C,) int64: number of images with the same ln p, the caption's own included, so at least 1."""

    @property
    def expected(self) -> Tensor:
        """(C,) float64: expected rank, from 1, with ties in random order."""
        return 1 + self.better + (self.tied - 1) / 2

    def statistics(self, pool_size: int) -> dict[str, Statistic]:
        """R@k, median and mean rank as statistics of the captions, in pools of ``pool_size`` images."""
        return rank_statistics(self.expected.double().numpy(), self.tied.double().numpy(), pool_size)

    def recall(self, k: int) -> float:
        """R@k: the share of captions whose own image is among the first k; ties across rank k count in proportion."""
        return float(((k - self.better).double() / self.tied).clamp(0, 1).mean())


class RankCounter:
    """Counts, for each caption, the images with a higher ln p than its own image and the images that tie with it."""

    def __init__(self, log_prob: Tensor, better: Tensor, better_or_tied: Tensor):
        """``log_prob`` (C,) is the ln p of each caption with its own image; the counts (C,) int64 start as given."""
        self.log_prob, self.better, self.better_or_tied = log_prob, better, better_or_tied

    def count(self, scores: Tensor) -> None:
        """Count a block of B images with the ln p ``scores`` (C, B); -inf for images that are not to be counted."""
        margin = scores - self.log_prob.unsqueeze(1)
        self.better = self.better + (margin > TOLERANCE).sum(dim=1)
        self.better_or_tied = self.better_or_tied + (margin >= -TOLERANCE).sum(dim=1)

    def ranks(self) -> Ranks:
        """The ranks among all images counted so far, by this and all other processes."""
        self.better, self.better_or_tied = map(all_reduced, (self.better, self.better_or_tied))
        return Ranks(self.better.cpu(), (self.better_or_tied - self.better).cpu())


def rank(scores: Tensor, true_image: Tensor) -> Ranks:
    """Rank each caption's own image.

    ``scores`` (C, N) is ln p(c|I), and ``true_image`` (C,) the column of the image that each caption was generated for.

    Raises NonFiniteError for scores that are not finite.
    """
    true_scores = check_finite(scores.gather(1, true_image.unsqueeze(1)))
    better = (scores > true_scores + TOLERANCE).sum(dim=1)
    better_or_tied = (scores >= true_scores - TOLERANCE).sum(dim=1)
    return Ranks(better.cpu(), (better_or_tied - better).cpu())


def check_finite(log_probs: Tensor) -> Tensor:
    """Return ``log_probs``, or raise NonFiniteError if one of them is not finite."""
    if not torch.isfinite(log_probs).all():
        raise NonFiniteError("ln p of a caption is not a finite number: the training of the model diverged")
    return log_probs


def retrieval_metrics(ranks: Ranks, pool_size: int) -> dict[str, float]:
    """R@k for every k below the number of images in a pool, and the median and mean rank."""
    metrics = {f"R@{k}": ranks.recall(k) for k in CUTOFFS if k < pool_size}
    expected = ranks.expected.double()
    return {**metrics, "median_rank": _median(expected), "mean_rank": float(expected.mean())}


def chance_metrics(pool_size: int) -> dict[str, float]:
    """The metrics of captions that do not depend on their image, in pools of ``pool_size`` images."""
    metrics = {f"R@{k}": k / pool_size for k in CUTOFFS if k < pool_size}
    return {**metrics, "median_rank": (pool_size + 1) / 2, "mean_rank": (pool_size + 1) / 2}


def _median(values: Tensor) -> float:
    return float(torch.quantile(values, 0.5))
