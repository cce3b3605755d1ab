"""The interface of text decoders: networks of transformers, run on the tokens of many captions without padding.

Tokens of all captions form one dimension of size W. All layers but attention treat tokens alone, so they need no
padding. Attention is computed by the ``Attention`` that a layer is given.
"""

from abc import ABC, abstractmethod
from typing import Any, Protocol

from torch import Tensor, nn


class Attention(Protocol):
    """Attention of W tokens to their images and to the tokens before them, in one layer."""

    def to_text(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Outputs (W, H, D) of attention to the tokens before each and itself, all arguments being (W, H, D)."""

    def to_image(self, query: Tensor) -> Tensor:
        """Outputs (W, H, D) of attention of ``query`` (W, H, D) to the image tokens."""

    def to_image_and_text(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Like ``to_text``, with the image tokens as further keys of the same softmax."""


class TextDecoder(ABC):
    """A text decoder; the network belongs to the captioner, so this object has no weights of its own."""

    layers: Any
    """The layers as ``nn.ModuleList``."""
    output: nn.Linear
    """Layer from hidden states to logits."""
    num_layers: int
    heads: int
    hidden_size: int

    @abstractmethod
    def embed(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Hidden states (W, width) before the first layer, of ``tokens`` at ``positions`` (W,), counted from 0."""

    @abstractmethod
    def image_keys_and_values(self, layer: int, image: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (N, H, R, D) that a layer computes from image tokens (N, R, C)."""

    def apply_image_layer(self, layer: int, image: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Image tokens (N, R, C) for the layers after ``layer``, of which ``keys`` and ``values`` are.

        They stay the same unless they are part of the sequence.
        """
        return image

    @abstractmethod
    def apply_layer(self, layer: int, hidden: Tensor, attention: Attention) -> Tensor:
        """Hidden states (W, width) after a layer."""

    @abstractmethod
    def finish(self, hidden: Tensor) -> Tensor:
        """Inputs (W, width) of ``output``, from the hidden states after the last layer."""


def split_heads(vectors: Tensor, heads: int) -> Tensor:
    """(…, H, D) from (…, H × D)."""
    return vectors.unflatten(-1, (heads, -1))


def image_heads(vectors: Tensor, heads: int) -> Tensor:
    """(N, H, R, D) from (N, R, H × D)."""
    return split_heads(vectors, heads).transpose(1, 2)
