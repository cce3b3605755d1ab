"""Maximum likelihood, the standard training of captioners and the starting point of contrastive learning."""

from torch import Tensor


def nats_per_token(log_probs: Tensor, lengths: Tensor) -> Tensor:
    """The negative mean ln p of a token, the end token included; a scalar.

    ``log_probs`` (B,) is ln p(c|I) of captions, and ``lengths`` (B,) their numbers of tokens without the end token.
    """
    return -log_probs.sum() / (lengths + 1).sum()
