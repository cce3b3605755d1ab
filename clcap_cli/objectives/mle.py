"""Maximum likelihood, the standard training of captioners and the starting point of contrastive learning."""

from torch import Tensor


def nats_per_token(log_probs: Tensor, lengths: Tensor) -> Tensor:
    """The negative mean ln p of a token, the end token included; a scalar.

    ``log_probs`` (B,) is ln p(c|I) of captions, and ``lengths`` (B,) their numbers of tokens without the end token.
    """
    return -log_probs.sum() / (lengths + 1).sum()


def with_likelihood(loss: Tensor, matched: Tensor, weight: float) -> Tensor:
    """``loss`` plus ``weight`` times the mean of -ln p(c|I), in nats per caption; a scalar.

    ``matched`` (P,) is ln p(c|I) of captions of the images. The mean is over captions and not over tokens, because the
    losses that it is added to are functions of ln p of complete captions, and because it then adds up over the parts
    of a batch.
    """
    return loss - weight * matched.mean() if weight else loss
