"""Maximum likelihood: the captioner's usual training, and what both models of contrastive learning start from."""

from torch import Tensor


def nats_per_token(log_probs: Tensor, lengths: Tensor) -> Tensor:
    """The negative mean ln p of a word, END counted as one; a scalar.

    ``log_probs`` (B,) are captions' ln p(c|I), ``lengths`` (B,) their words without END.
    """
    return -log_probs.sum() / (lengths + 1).sum()
