"""GPT-2 with cross-attention to image tokens."""

import math
from typing import Any

from torch import Tensor

from clcap_cli.models.hugging_face.text_decoder import Attention, TextDecoder, image_heads, split_heads


class Gpt2Decoder(TextDecoder):
    """GPT-2 as the decoder of a VisionEncoderDecoder."""

    def __init__(self, network: Any):
        """``network`` is a GPT2LMHeadModel."""
        self.model, self.output, config = network.transformer, network.lm_head, network.config
        self.layers = self.model.h
        self.num_layers, self.heads, self.hidden_size = len(self.layers), config.n_head, config.n_embd

    def embed(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """See TextDecoder."""
        return self.model.drop(self.model.wte(tokens) + self.model.wpe(positions))

    def image_keys_and_values(self, layer: int, image: Tensor) -> tuple[Tensor, Tensor]:
        """See TextDecoder."""
        keys, values = self.layers[layer].crossattention.c_attn(image).chunk(2, dim=2)
        return image_heads(keys, self.heads), image_heads(values, self.heads)

    def apply_layer(self, layer: int, hidden: Tensor, attention: Attention) -> Tensor:
        """See TextDecoder."""
        block = self.layers[layer]
        own, cross = block.attn, block.crossattention
        query, keys, values = split_heads(own.c_attn(block.ln_1(hidden)), 3 * self.heads).chunk(3, dim=1)
        hidden = hidden + _project(own, attention.to_text(_scaled(own, query), keys, values))
        query = split_heads(cross.q_attn(block.ln_cross_attn(hidden)), self.heads)
        hidden = hidden + _project(cross, attention.to_image(_scaled(cross, query)))
        return hidden + block.mlp(block.ln_2(hidden))

    def finish(self, hidden: Tensor) -> Tensor:
        """See TextDecoder."""
        return self.model.ln_f(hidden)


def _project(module: Any, attended: Tensor) -> Tensor:
    return module.resid_dropout(module.c_proj(attended.flatten(1)))


def _scaled(module: Any, query: Tensor) -> Tensor:
    """Queries whose attention scores have the module's own scale; attention divides them by √D."""
    scale = module.scaling * math.sqrt(query.shape[-1])
    return query if scale == 1 else query * scale
