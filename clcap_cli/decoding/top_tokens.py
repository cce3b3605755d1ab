"""The likeliest tokens of a vocabulary."""

import torch
from torch import Tensor

BLOCK_TOKENS = 64


def top_tokens(log_probs: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The largest ln p of each row of ``log_probs`` (B, V), the largest first, and their tokens: (B, k) each.

    k is ``count``, or V if that is smaller. Only the ``count`` blocks of the vocabulary with the largest maxima are
    searched, because each of the other blocks has ``count`` larger values outside it.
    """
    rows, vocabulary = log_probs.shape
    blocks = vocabulary // BLOCK_TOKENS
    if blocks <= count:
        values, tokens = log_probs.topk(min(count, vocabulary))
        return values, tokens
    in_blocks = log_probs[:, : blocks * BLOCK_TOKENS].view(rows, blocks, BLOCK_TOKENS)
    best_blocks = in_blocks.amax(2).topk(count).indices  # (B, count)
    offset = torch.arange(BLOCK_TOKENS, device=log_probs.device)
    tokens = (best_blocks.unsqueeze(2) * BLOCK_TOKENS + offset).flatten(1)
    rest = torch.arange(blocks * BLOCK_TOKENS, vocabulary, device=log_probs.device).expand(rows, -1)
    tokens = torch.cat([tokens, rest], dim=1)
    values, position = log_probs.gather(1, tokens).topk(count)
    return values, tokens.gather(1, position)
