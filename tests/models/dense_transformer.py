"""PyTorch's own Transformer decoder with the weights of ours: padded, without a cache, every image copied."""

import math

import torch
from torch import Tensor, nn

from clcap_cli.models.rows import ImageFeatures
from clcap_cli.models.transformer import Layer, Transformer, sinusoids


def dense_decoder(model: Transformer) -> nn.TransformerDecoder:
    """``nn.TransformerDecoder``, which shares no code with ``Transformer``."""
    config = model.config
    layer = nn.TransformerDecoderLayer(
        config.hidden_size, config.heads, config.feedforward_size, config.dropout, batch_first=True, norm_first=True
    )
    decoder = nn.TransformerDecoder(layer, config.layers, model.norm).to(model.output.weight.device)
    for theirs, ours in zip(decoder.layers, model.layers, strict=True):
        theirs.load_state_dict(_weights(ours))
    return decoder.train(model.training)


def image_tokens(model: Transformer, features: ImageFeatures) -> Tensor:
    """(N, R, width)."""
    seen = features.grid if model.uses_grid else features.pooled.unsqueeze(1)
    return model.image_norm(torch.relu(model.image(seen)))


def dense_log_probs(
    model: Transformer, decoder: nn.TransformerDecoder, images: Tensor, mask: Tensor, tokens: Tensor
) -> Tensor:
    """ln p of every next token (B, T + 1, V) after the start token and after each of ``tokens`` (B, T).

    ``images`` (B, R, width) are the image's tokens of each caption, of which ``mask`` (B, R) says which there are.
    """
    inputs = torch.cat([tokens.new_full((len(tokens), 1), model.config.start_token), tokens], dim=1)
    width, length = model.config.hidden_size, inputs.shape[1]
    places = sinusoids(torch.arange(length, device=tokens.device), width)
    embedded = model.words(inputs) * math.sqrt(width) + places
    later = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
    hidden = decoder(embedded, images, tgt_mask=later, memory_key_padding_mask=~mask)
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
