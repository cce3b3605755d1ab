"""A Transformer decoder (Vaswani et al. 2017) over an image's tokens, with layer normalisation before each part.

The image's tokens are its projected regions, or the one projected pooled vector. Positions are sinusoids, so that
captions of any length can be scored.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from clcap_cli.errors import ClcapError
from clcap_cli.models.captioner import Captioner, CaptionerConfig, DropoutRate, Size
from clcap_cli.models.grouped_attention import attend_to_images
from clcap_cli.models.packing import PackedCaptions, pack
from clcap_cli.models.rows import ImageFeatures, Rows


@dataclass(frozen=True)
class TransformerConfig(CaptionerConfig):
    """Sizes of a Transformer."""

    pooled_channels: Size
    grid_channels: Size
    image_tokens: Literal["grid", "pooled"] = "grid"
    """Whether the image's tokens are its regions or its pooled vector."""
    hidden_size: Size = 512
    layers: Size = 3
    heads: Size = 8
    feedforward_size: Size = 2048
    dropout: DropoutRate = 0.1

    def __post_init__(self) -> None:
        if self.hidden_size % (2 * self.heads):
            raise ClcapError(f"hidden_size {self.hidden_size} must be a multiple of twice the {self.heads} heads")


@dataclass(frozen=True)
class ImageTokens(Rows):
    """What each layer's attention reads of N images; L layers, H heads of D numbers each, R tokens an image."""

    keys: Tensor
    """(N, L, H, R, D)."""
    values: Tensor
    """(N, L, H, R, D)."""
    mask: Tensor
    """(N, R) bool: which tokens an image has."""


@dataclass(frozen=True)
class CachedTokens(Rows):
    """Keys and values of the t tokens of B prefixes."""

    keys: Tensor
    """(B, L, H, t, D)."""
    values: Tensor
    """(B, L, H, t, D)."""


class Past(Protocol):
    """How the tokens of captions see those before them."""

    def attend(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attention of each token to itself and to those before it; all (W, H, D)."""


class Layer(nn.Module):
    """One layer; W tokens of any captions at once."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        width, self.heads = config.hidden_size, config.heads
        self.self_norm, self.image_norm, self.feedforward_norm = (nn.LayerNorm(width) for _ in range(3))
        self.self_input, self.self_output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.image_query, self.image_input = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.image_output = nn.Linear(width, width)
        self.expand, self.contract = (
            nn.Linear(width, config.feedforward_size),
            nn.Linear(config.feedforward_size, width),
        )
        self.dropout = nn.Dropout(config.dropout)

    def keys_and_values(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, R, D) each, from an image's tokens (N, R, width)."""
        parts = self.image_input(tokens).unflatten(2, (2 * self.heads, -1)).transpose(1, 2).chunk(2, dim=1)
        return parts[0], parts[1]

    def forward(self, hidden: Tensor, past: Past, encoded: ImageTokens, number: int, image: Tensor) -> Tensor:
        """(W, width) after layer ``number``, from (W, width); ``image`` (W,) says which image each token is about."""
        query, keys, values = self.self_input(self.self_norm(hidden)).unflatten(1, (3, self.heads, -1)).unbind(1)
        hidden = hidden + self.dropout(self.self_output(past.attend(query, keys, values).flatten(1)))
        query = self.image_query(self.image_norm(hidden)).unflatten(1, (self.heads, -1))
        seen = attend_to_images(query, encoded.keys[:, number], encoded.values[:, number], encoded.mask, image)
        hidden = hidden + self.dropout(self.image_output(seen.flatten(1)))
        expanded = torch.relu(self.expand(self.feedforward_norm(hidden)))
        return hidden + self.dropout(self.contract(self.dropout(expanded)))


class _Whole:
    """The past of packed captions: all of them are there at once."""

    def __init__(self, packed: PackedCaptions):
        self.caption, self.time = packed.caption, packed.time
        self.shape = packed.batch_sizes[0], len(packed.batch_sizes)

    def attend(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """See Past."""
        padded_query, padded_keys, padded_values = (self._padded(part) for part in (query, keys, values))
        found = scaled_dot_product_attention(padded_query, padded_keys, padded_values, is_causal=True)  # (B, H, T, D)
        return found.transpose(1, 2)[self.caption, self.time]

    def _padded(self, part: Tensor) -> Tensor:
        """(B, H, T, D) from (W, H, D), zero behind a caption's end."""
        rows = part.new_zeros(*self.shape, *part.shape[1:]).index_put((self.caption, self.time), part)
        return rows.transpose(1, 2)


class _Cache:
    """The past of prefixes whose keys and values are kept: the new token's are added to them."""

    def __init__(self, keys: Tensor, values: Tensor):
        self.keys, self.values = keys, values

    def attend(self, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """See Past."""
        self.keys = torch.cat([self.keys, keys.unsqueeze(2)], dim=2)
        self.values = torch.cat([self.values, values.unsqueeze(2)], dim=2)
        return scaled_dot_product_attention(query.unsqueeze(2), self.keys, self.values).squeeze(2)


def sinusoids(time: Tensor, width: int) -> Tensor:
    """Position vectors (W, width) of the time steps (W,); Vaswani et al. 2017, section 3.5."""
    steps = torch.arange(0, width, 2, device=time.device)
    angles = time.unsqueeze(1) * torch.exp(steps * (-math.log(10_000) / width))
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Transformer(Captioner[ImageTokens, CachedTokens]):
    """Masked self-attention, attention to the image's tokens and a feed-forward network in each layer."""

    Config: ClassVar = TransformerConfig
    config: TransformerConfig

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        width = config.hidden_size
        self.image = nn.Linear(config.grid_channels if self.uses_grid else config.pooled_channels, width)
        self.image_norm = nn.LayerNorm(width)
        self.words = nn.Embedding(config.input_size, width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, config.vocabulary_size)
        self.dropout = nn.Dropout(config.dropout)
        nn.init.normal_(self.words.weight, std=width**-0.5)

    @property
    def uses_grid(self) -> bool:
        """See Captioner."""
        return self.config.image_tokens == "grid"

    @property
    def state_size(self) -> int:
        """See Captioner."""
        return 2 * self.config.layers * self.config.hidden_size * (self.config.max_length + 1)

    def encode(self, features: ImageFeatures) -> ImageTokens:
        """Keys and values of the image's tokens in every layer."""
        seen = features.grid if self.uses_grid else features.pooled.unsqueeze(1)
        tokens = self.dropout(self.image_norm(torch.relu(self.image(seen))))  # (N, R, width)
        pairs = [cast(Layer, layer).keys_and_values(tokens) for layer in self.layers]
        keys, values = (torch.stack(parts, dim=1) for parts in zip(*pairs, strict=True))
        mask = features.mask if self.uses_grid else features.mask.new_ones(len(seen), 1)
        return ImageTokens(keys, values, mask)

    def sequence_log_prob(self, encoded: ImageTokens, captions: Tensor, lengths: Tensor, image: Tensor) -> Tensor:
        """See Captioner."""
        packed = pack(captions, lengths, self.config.start_token, self.config.end_token)
        hidden, whole = self._embedded(packed.inputs, packed.time), _Whole(packed)
        for number, layer in enumerate(self.layers):
            hidden = layer(hidden, whole, encoded, number, image[packed.caption])
        return packed.log_prob(self.norm(hidden), self.output)

    def initial_state(self, encoded: ImageTokens) -> CachedTokens:
        """See Captioner."""
        empty = encoded.keys[:, :, :, :0]
        return CachedTokens(empty, empty)

    def advance(
        self, encoded: ImageTokens, image: Tensor, state: CachedTokens, tokens: Tensor
    ) -> tuple[Tensor, CachedTokens]:
        """See Captioner."""
        hidden = self._embedded(tokens, torch.full_like(tokens, state.keys.shape[3]))
        cached = []
        for number, layer in enumerate(self.layers):
            cache = _Cache(state.keys[:, number], state.values[:, number])
            hidden = layer(hidden, cache, encoded, number, image)
            cached.append((cache.keys, cache.values))
        keys, values = (torch.stack(parts, dim=1) for parts in zip(*cached, strict=True))
        return self.norm(hidden), CachedTokens(keys, values)

    def _embedded(self, tokens: Tensor, time: Tensor) -> Tensor:
        """Token vectors with their positions, (W, width)."""
        width = self.config.hidden_size
        return self.dropout(self.words(tokens) * math.sqrt(width) + sinusoids(time, width))
