"""The log-probabilities of matched and mismatched pairs, of which the objectives on pairs are functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING = 1e-3
"""Nats by which ln p of equal models can differ where they were computed in batches of other sizes."""


@dataclass(frozen=True)
class PairLogProbs:
    """P matched pairs in row 0, and in each of the K rows below it one mismatched caption for each of their images.

    K is 0 for an objective that needs no mismatched pairs.
    """

    target: "Tensor"
    """(1 + K, P) ln p(c|I) of the target, in nats."""
    tokens: "Tensor"
    """(1 + K, P) number of tokens of each caption, the end token included."""
    reference: "Tensor | None" = None
    """(1 + K, P) ln p(c|I) of the reference; None for an objective that needs no reference."""

    @property
    def log_ratio(self) -> "Tensor":
        """(1 + K, P) G(c, I), the target's ln p(c|I) minus the reference's (Dai & Lin, NIPS 2017, section 4)."""
        assert self.reference is not None, "an objective that uses the log-ratio has needs_reference = True"
        return self.target - self.reference

    @property
    def per_token(self) -> "Tensor":
        """(1 + K, P) the target's ln p(c|I) divided by the number of the caption's tokens."""
        return self.target / self.tokens

    def metrics(self) -> "dict[str, Tensor]":
        """What is logged of the pairs, scalars without gradients.

        With a reference: the mean G of both kinds of pairs, and the share of mismatched pairs that the target finds
        less likely than the reference does, beyond rounding. Without one: by how much matched captions are likelier
        per token than the mismatched ones of their images, and the share of mismatched ones that are less likely.
        """
        return self._margins() if self.reference is None else self._log_ratios()

    def _margins(self) -> "dict[str, Tensor]":
        per_token = self.per_token.detach()
        if len(per_token) == 1:
            return {}
        margin = per_token[0] - per_token[1:]
        return {"token_log_prob_margin": margin.mean(), "pairwise_accuracy": (margin > 0).float().mean()}

    def _log_ratios(self) -> "dict[str, Tensor]":
        log_ratio = self.log_ratio.detach()
        matched, mismatched = log_ratio[0].mean(), log_ratio[1:]
        if not len(mismatched):
            return {"log_ratio_matched": matched}
        below = (mismatched < -ROUNDING).float().mean()
        return {
            "log_ratio_matched": matched,
            "log_ratio_mismatched": mismatched.mean(),
            "negatives_below_reference": below,
        }


def concatenate(parts: Sequence[PairLogProbs]) -> PairLogProbs:
    """The pairs of all parts, of as many sets each."""
    import torch

    target, tokens = (torch.cat([getattr(part, name) for part in parts], dim=1) for name in ("target", "tokens"))
    references = [part.reference for part in parts if part.reference is not None]
    return PairLogProbs(target, tokens, torch.cat(references, dim=1) if references else None)
