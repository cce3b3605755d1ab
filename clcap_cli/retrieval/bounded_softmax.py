"""ln p of a few tokens: an upper bound from a shortlist of the vocabulary, and the exact value where needed."""

import torch
from torch import Tensor, nn

from clcap_cli.models.token_log_prob import bias_of, log_normalizer

SHORTLIST_DIVISOR = 20
"""The shortlist contains the tokens of the captions and the most frequent 1/SHORTLIST_DIVISOR of the vocabulary."""


class BoundedSoftmax:
    """The softmax of an output layer whose tokens are sorted by frequency, the most frequent first."""

    def __init__(self, output: nn.Linear, tokens: Tensor):
        """``tokens`` are all tokens whose ln p can be requested."""
        weight, bias = output.weight, bias_of(output)
        frequent = torch.arange(len(weight) // SHORTLIST_DIVISOR, device=weight.device)
        in_shortlist = torch.zeros(len(weight), dtype=torch.bool, device=weight.device)
        in_shortlist[torch.cat([tokens, frequent])] = True
        self.shortlist_index = in_shortlist.cumsum(0) - 1
        self.shortlist_weight, self.shortlist_bias = weight[in_shortlist], bias[in_shortlist]
        self.other_weight, self.other_bias = weight[~in_shortlist], bias[~in_shortlist]

    def shortlist_logits(self, hidden: Tensor, row: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of ``tokens`` (e,) at rows ``row`` (e,) of ``hidden`` (B, H), and ln Σ exp over the shortlist (B,).

        A logit minus that sum is an upper bound of ln p.
        """
        logits = torch.addmm(self.shortlist_bias, hidden, self.shortlist_weight.T)
        return logits[row, self.shortlist_index[tokens]], logits.logsumexp(1)

    def full_normalizer(self, hidden: Tensor, shortlist_normalizer: Tensor) -> Tensor:
        """ln Σ exp over the whole vocabulary (B,), from that over the shortlist; a logit minus this is ln p."""
        if not len(self.other_weight):
            return shortlist_normalizer
        return torch.logaddexp(shortlist_normalizer, log_normalizer(hidden, self.other_weight, self.other_bias))
