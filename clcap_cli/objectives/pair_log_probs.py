"""The log-probabilities of matched and mismatched pairs, from which pair objectives compute their losses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING = 1e-3
"""Maximum difference, in nats, of ln p under equal models if computed in batches of different sizes."""


@dataclass(frozen=True)
class PairLogProbs:
    """Log-probabilities of P matched pairs (row 0) and of K mismatched pairs for each of them (rows 1 to K).

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
        """(1 + K, P) the target's ln p(c|I) divided by the caption's number of tokens."""
        return self.target / self.tokens

    def metrics(self) -> "dict[str, Tensor]":
        """Metrics for the log, scalars without gradients.

        With a reference: the mean log-ratio of matched and of mismatched pairs, and the share of mismatched pairs whose
        log-ratio is below 0 by more than rounding. Without a reference: the mean difference of ln p per token between
        matched captions and mismatched captions of the same images, and the share of positive differences.
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
        below_reference = (mismatched < -ROUNDING).float().mean()
        return {
            "log_ratio_matched": matched,
            "log_ratio_mismatched": mismatched.mean(),
            "negatives_below_reference": below_reference,
        }


def concatenate(parts: Sequence[PairLogProbs]) -> PairLogProbs:
    """Concatenate the matched pairs of all parts and their mismatched pairs; all parts have the same K."""
    import torch

    target, tokens = (torch.cat([getattr(part, name) for part in parts], dim=1) for name in ("target", "tokens"))
    references = [part.reference for part in parts if part.reference is not None]
    return PairLogProbs(target, tokens, torch.cat(references, dim=1) if references else None)
