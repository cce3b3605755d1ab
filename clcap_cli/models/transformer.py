"""A Transformer decoder (Vaswani et al. 2017) with cross-attention to image tokens and pre-layer normalisation.

Image tokens are the projected regions, or the projected pooled vector as a single token. Positions are encoded as
sinusoids, so captions of any length can be scored.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from clcap_cli.errors import ClcapError
from clcap_cli.models.attending import AttendingCaptioner, AttentionWeights, values_by_token
from clcap_cli.models.captioner import CaptionerConfig, DropoutRate, Size
from clcap_cli.models.grouped_attention import attend_to_images
from clcap_cli.models.prefixes import Prefixes
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.models.self_attention import CachedAttention, CachedTokens, CausalAttention, ImageTokens, PrefixAttention


@dataclass(frozen=True)
class TransformerConfig(CaptionerConfig):
    """Configuration of a Transformer."""

    pooled_channels: Size
    grid_channels: Size
    image_tokens: Literal["grid", "pooled"] = "grid"
    """Features that become image tokens: the regions (``grid``) or the pooled vector."""
    hidden_size: Size = 512
    layers: Size = 3
    heads: Size = 8
    feedforward_size: Size = 2048
    dropout: DropoutRate = 0.1

    def __post_init__(self) -> None:
        if self.hidden_size % (2 * self.heads):
            raise ClcapError(f"hidden_size {self.hidden_size} must be a multiple of twice the {self.heads} heads")


class Layer(nn.Module):
    """One decoder layer, applied to W tokens of any captions at once."""

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
        """Cross-attention keys and values, (N, H, R, D) each, from image tokens (N, R, width)."""
        parts = self.image_input(tokens).unflatten(2, (2 * self.heads, -1)).transpose(1, 2).chunk(2, dim=1)
        return parts[0], parts[1]

    def forward(
        self,
        hidden: Tensor,
        self_attention: CausalAttention,
        encoded: ImageTokens,
        layer_index: int,
        image_index: Tensor,
    ) -> Tensor:
        """Hidden states (W, width) after layer ``layer_index``; ``image_index`` (W,) is the image of each token."""
        hidden = self.after_self_attention(hidden, self_attention)
        attended = attend_to_images(
            self.image_queries(hidden),
            encoded.keys[:, layer_index],
            encoded.values[:, layer_index],
            encoded.mask,
            image_index,
        )
        hidden = hidden + self.dropout(self.image_output(attended.flatten(1)))
        expanded = torch.relu(self.expand(self.feedforward_norm(hidden)))
        return hidden + self.dropout(self.contract(self.dropout(expanded)))

    def after_self_attention(self, hidden: Tensor, self_attention: CausalAttention) -> Tensor:
        """Hidden states (W, width) between self-attention and cross-attention."""
        query, keys, values = self.self_input(self.self_norm(hidden)).unflatten(1, (3, self.heads, -1)).unbind(1)
        return hidden + self.dropout(self.self_output(self_attention.attend(query, keys, values).flatten(1)))

    def image_queries(self, hidden: Tensor) -> Tensor:
        """Queries (W, H, D) of the cross-attention."""
        return self.image_query(self.image_norm(hidden)).unflatten(1, (self.heads, -1))


def sinusoids(time_step: Tensor, width: int) -> Tensor:
    """Position vectors (W, width) of time steps (W,); Vaswani et al. 2017, section 3.5."""
    steps = torch.arange(0, width, 2, device=time_step.device)
    angles = time_step.unsqueeze(1) * torch.exp(steps * (-math.log(10_000) / width))
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Transformer(AttendingCaptioner[ImageTokens, CachedTokens]):
    """A decoder whose layers have causal self-attention, cross-attention to image tokens and a feed-forward network."""

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
        """Keys and values of the image tokens for every layer."""
        vectors = features.grid if self.uses_grid else features.pooled.unsqueeze(1)
        tokens = self.dropout(self.image_norm(torch.relu(self.image(vectors))))  # (N, R, width)
        pairs = [cast(Layer, layer).keys_and_values(tokens) for layer in self.layers]
        keys, values = (torch.stack(parts, dim=1) for parts in zip(*pairs, strict=True))
        mask = features.mask if self.uses_grid else features.mask.new_ones(len(vectors), 1)
        return ImageTokens(keys, values, mask)

    def sequence_log_prob(self, encoded: ImageTokens, captions: Tensor, lengths: Tensor, image_index: Tensor) -> Tensor:
        """See Captioner."""
        next_tokens = self.next_tokens(captions, lengths, image_index)
        hidden = self._hidden_states(encoded, next_tokens.prefixes, len(self.layers))
        return next_tokens.log_prob(self.norm(hidden), self.output)

    def attention_weights(
        self, encoded: ImageTokens, captions: Tensor, lengths: Tensor, image_index: Tensor
    ) -> AttentionWeights:
        """See AttendingCaptioner: the mean over the heads of the last layer's cross-attention."""
        prefixes = self.next_tokens(captions, lengths, image_index).prefixes
        hidden = self._hidden_states(encoded, prefixes, len(self.layers) - 1)
        last = cast(Layer, self.layers[-1])
        query = last.image_queries(last.after_self_attention(hidden, PrefixAttention(prefixes)))
        keys = encoded.keys[:, -1]  # (N, H, R, D)
        # With the identity matrix as values, the attention outputs are the attention weights.
        identity = torch.eye(keys.shape[2], dtype=keys.dtype, device=keys.device).expand(*keys.shape[:2], -1, -1)
        weights = attend_to_images(query, keys, identity, encoded.mask, prefixes.image).mean(1)  # (W, R)
        return AttentionWeights(values_by_token(prefixes, weights, lengths), None, encoded.mask[image_index])

    def _hidden_states(self, encoded: ImageTokens, prefixes: Prefixes, layers: int) -> Tensor:
        """Hidden states (W, width) after the first ``layers``."""
        hidden, self_attention = self._embed(prefixes.tokens, prefixes.time_step), PrefixAttention(prefixes)
        for layer_index in range(layers):
            hidden = self.layers[layer_index](hidden, self_attention, encoded, layer_index, prefixes.image)
        return hidden

    def initial_state(self, encoded: ImageTokens) -> CachedTokens:
        """See Captioner."""
        empty = encoded.keys[:, :, :, :0]
        return CachedTokens(empty, empty)

    def advance(
        self, encoded: ImageTokens, image_index: Tensor, state: CachedTokens, tokens: Tensor
    ) -> tuple[Tensor, CachedTokens]:
        """See Captioner."""
        hidden = self._embed(tokens, torch.full_like(tokens, state.keys.shape[3]))
        cached = []
        for layer_index, layer in enumerate(self.layers):
            cache = CachedAttention(state.keys[:, layer_index], state.values[:, layer_index])
            hidden = layer(hidden, cache, encoded, layer_index, image_index)
            cached.append((cache.keys, cache.values))
        keys, values = (torch.stack(parts, dim=1) for parts in zip(*cached, strict=True))
        return self.norm(hidden), CachedTokens(keys, values)

    def _embed(self, tokens: Tensor, time_step: Tensor) -> Tensor:
        """Sum of token vectors and position vectors, (W, width)."""
        width = self.config.hidden_size
        return self.dropout(self.words(tokens) * math.sqrt(width) + sinusoids(time_step, width))
