"""PyTorch's Transformer decoder with the weights of clcap's: padded, without a cache, images copied per caption."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from clcap_cli.models.rows import ImageFeatures
from clcap_cli.models.transformer import Layer, Transformer, sinusoids

DenseDecoder = Callable[..., Tensor]
"""Called like an ``nn.TransformerDecoder``."""


def dense_decoder(model: Transformer) -> DenseDecoder:
    """An ``nn.TransformerDecoder``, whose code is not clcap's; gradients reach the weights of ``model``."""
    config = model.config
    with torch.device("meta"):  # without weights of its own
        layer = nn.TransformerDecoderLayer(
            config.hidden_size, config.heads, config.feedforward_size, config.dropout, batch_first=True, norm_first=True
        )
        decoder = nn.TransformerDecoder(layer, config.layers, nn.LayerNorm(config.hidden_size))
    decoder.train(model.training)
    weights = {
        f"layers.{number}.{name}": weight
        for number, layer in enumerate(model.layers)
        for name, weight in _weights(layer).items()
    } | {f"norm.{name}": weight for name, weight in model.norm.named_parameters()}
    return lambda *arguments, **named: functional_call(decoder, weights, arguments, named)


def image_tokens(model: Transformer, features: ImageFeatures) -> Tensor:
    """Image tokens (N, R, width)."""
    seen = features.grid if model.uses_grid else features.pooled.unsqueeze(1)
    return model.image_norm(torch.relu(model.image(seen)))


def dense_log_probs(model: Transformer, decoder: DenseDecoder, images: Tensor, mask: Tensor, tokens: Tensor) -> Tensor:
    """ln p of the next token (B, T + 1, V) after the start token and after each of ``tokens`` (B, T).

    ``images`` (B, R, width) are the image tokens of each caption, and ``mask`` (B, R) is False for padding.
    """
    inputs = torch.cat([tokens.new_full((len(tokens), 1), model.config.start_token), tokens], dim=1)
    width, length = model.config.hidden_size, inputs.shape[1]
    positions = sinusoids(torch.arange(length, device=tokens.device), width)
    embedded = model.words(inputs) * math.sqrt(width) + positions
    causal_mask = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
    hidden = decoder(embedded, images, tgt_mask=causal_mask, memory_key_padding_mask=~mask)
    return torch.log_softmax(model.output(hidden), dim=2)


def _weights(layer: Layer) -> dict[str, Tensor]:
    parts = {
        "self_attn.out_proj": layer.self_output,
        "multihead_attn.out_proj": layer.image_output,
        "linear1": layer.expand,
        "linear2": layer.contract,
        "norm1": layer.self_norm,
        "norm2": layer.image_norm,
        "norm3": layer.feedforward_norm,
    }
    weights = {f"{name}.{which}": getattr(part, which) for name, part in parts.items() for which in ("weight", "bias")}
    for which in ("weight", "bias"):
        weights[f"self_attn.in_proj_{which}"] = getattr(layer.self_input, which)
        both = [getattr(layer.image_query, which), getattr(layer.image_input, which)]
        weights[f"multihead_attn.in_proj_{which}"] = torch.cat(both)
    return weights
