"""ln p of a few words of the vocabulary, from above with little work, and exactly where that is needed."""

import torch
from torch import Tensor, nn

from clcap_cli.models.token_log_prob import log_normalizer

SHARE = 20
"""The shortlist holds the words that are asked for, and the most frequent one in so many of the vocabulary."""


class BoundedSoftmax:
    """The softmax of an output layer whose words stand most frequent first."""

    def __init__(self, output: nn.Linear, words: Tensor):
        """``words`` are all that will be asked for."""
        weight, bias = output.weight, output.bias
        frequent = torch.arange(len(weight) // SHARE, device=weight.device)
        chosen = torch.zeros(len(weight), dtype=torch.bool, device=weight.device)
        chosen[torch.cat([words, frequent])] = True
        self.place = chosen.cumsum(0) - 1
        self.short_weight, self.short_bias = weight[chosen], bias[chosen]
        self.other_weight, self.other_bias = weight[~chosen], bias[~chosen]

    def shortlist(self, hidden: Tensor, row: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of ``words`` (e,) at ``row`` (e,) of ``hidden`` (B, H), and ln Σ exp over the shortlist alone (B,).

        The score less that sum is an upper bound of ln p.
        """
        scores = torch.addmm(self.short_bias, hidden, self.short_weight.T)
        return scores[row, self.place[words]], scores.logsumexp(1)

    def full(self, hidden: Tensor, shortlist: Tensor) -> Tensor:
        """ln Σ exp over the whole vocabulary (B,), given that over the shortlist; a score less that is ln p."""
        if not len(self.other_weight):
            return shortlist
        return torch.logaddexp(shortlist, log_normalizer(hidden, self.other_weight, self.other_bias))
