"""PyTorch's Transformer decoder with the weights of clcap's: padded, without a cache, images copied per caption."""

import math

import torch
from torch import Tensor, nn

from clcap_cli.models.rows import ImageFeatures
from clcap_cli.models.transformer import Layer, Transformer, sinusoids


def dense_decoder(model: Transformer) -> nn.TransformerDecoder:
    """An ``nn.TransformerDecoder``, which shares no code with ``Transformer``, with the weights of ``model``."""
    config = model.config
    layer = nn.TransformerDecoderLayer(
        config.hidden_size, config.heads, config.feedforward_size, config.dropout, batch_first=True, norm_first=True
    )
    decoder = nn.TransformerDecoder(layer, config.layers, model.norm).to(model.output.weight.device)
    for torch_layer, layer in zip(decoder.layers, model.layers, strict=True):
        torch_layer.load_state_dict(_weights(layer))
    return decoder.train(model.training)


def image_tokens(model: Transformer, features: ImageFeatures) -> Tensor:
    """Image tokens (N, R, width)."""
    seen = features.grid if model.uses_grid else features.pooled.unsqueeze(1)
    return model.image_norm(torch.relu(model.image(seen)))


def dense_log_probs(
    model: Transformer, decoder: nn.TransformerDecoder, images: Tensor, mask: Tensor, tokens: Tensor
) -> Tensor:
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
