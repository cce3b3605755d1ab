"""Keys and values of images and of earlier tokens, and causal self-attention to the tokens of a caption."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from clcap_cli.models.prefixes import Prefixes
from clcap_cli.models.rows import Rows


@dataclass(frozen=True)
class ImageTokens(Rows):
    """Cross-attention keys and values of N images: L layers, H heads of size D, R tokens per image."""

    keys: Tensor
    """(N, L, H, R, D)."""
    values: Tensor
    """(N, L, H, R, D)."""
    mask: Tensor
    """(N, R) bool: False for padding."""


@dataclass(frozen=True)
class CachedTokens(Rows):
    """Self-attention keys and values of B prefixes of t tokens each."""

    keys: Tensor
    """(B, L, H, t, D)."""
    values: Tensor
    """(B, L, H, t, D)."""


class CausalAttention(Protocol):
    """Self-attention in which each token attends to itself and to earlier tokens of its caption."""

    def attend(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attention outputs (W, H, D) of W tokens, from their queries, keys and values (W, H, D)."""


class PrefixAttention:
    """Self-attention of distinct prefixes, computed for whole captions with padding."""

    def __init__(self, prefixes: Prefixes):
        self.at_step = prefixes.at_step
        self.first_place = prefixes.first_place

    def attend(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """See CausalAttention."""
        query, keys, values = self._by_caption(query), self._by_caption(keys), self._by_caption(values)
        attended = scaled_dot_product_attention(query, keys, values, is_causal=True)  # (U, H, S, D)
        return attended.transpose(1, 2).flatten(0, 1).index_select(0, self.first_place)

    def _by_caption(self, part: Tensor) -> Tensor:
        """(U, H, S, D) of the distinct captions, from (W, H, D) of their prefixes."""
        return part.index_select(0, self.at_step.flatten()).view(*self.at_step.shape, *part.shape[1:]).transpose(1, 2)


class CachedAttention:
    """Self-attention of one new token per prefix, with cached keys and values of the earlier tokens."""

    def __init__(self, keys: Tensor, values: Tensor):
        self.keys, self.values = keys, values

    def append(self, keys: Tensor, values: Tensor) -> None:
        """Add the key and the value of the new token, (W, H, D) each."""
        self.keys = torch.cat([self.keys, keys.unsqueeze(2)], dim=2)
        self.values = torch.cat([self.values, values.unsqueeze(2)], dim=2)

    def attend(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """See CausalAttention."""
        self.append(keys, values)
        return scaled_dot_product_attention(query.unsqueeze(2), self.keys, self.values).squeeze(2)
