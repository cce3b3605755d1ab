"""BERT as a decoder, and the networks that share its layers: BLIP's text decoder, RoBERTa and GIT."""

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from clcap_cli.models.hugging_face.text_decoder import Attention, TextDecoder, image_heads, split_heads


class BertDecoder(TextDecoder):
    """BERT with cross-attention to image tokens; also the text decoder of BLIP."""

    def __init__(self, model: Any, head: Any, output: nn.Linear):
        """``model`` has embeddings and layers, and ``head`` computes the inputs of ``output``."""
        self.embeddings, self.layers, self.head, self.output = model.embeddings, model.encoder.layer, head, output
        config = model.config
        self.num_layers, self.heads, self.hidden_size = len(self.layers), config.num_attention_heads, config.hidden_size

    def embed(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """See TextDecoder."""
        return self.embeddings(input_ids=tokens.unsqueeze(0), position_ids=positions.unsqueeze(0)).squeeze(0)

    def image_keys_and_values(self, layer: int, image: Tensor) -> tuple[Tensor, Tensor]:
        """See TextDecoder."""
        own = self.layers[layer].crossattention.self
        return image_heads(own.key(image), self.heads), image_heads(own.value(image), self.heads)

    def apply_layer(self, layer: int, hidden: Tensor, attention: Attention) -> Tensor:
        """See TextDecoder."""
        own, cross = self.layers[layer].attention, self.layers[layer].crossattention
        hidden = own.output(attention.to_text(*self.queries_keys_values(own.self, hidden)).flatten(1), hidden)
        query = split_heads(cross.self.query(hidden), self.heads)
        hidden = cross.output(attention.to_image(query).flatten(1), hidden)
        return self.layers[layer].feed_forward_chunk(hidden)

    def queries_keys_values(self, own: Any, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(…, H, D) each, from hidden states (…, width)."""
        query, keys, values = (split_heads(project(hidden), self.heads) for project in (own.query, own.key, own.value))
        return query, keys, values

    def finish(self, hidden: Tensor) -> Tensor:
        """See TextDecoder."""
        return self.head(hidden)


class RobertaDecoder(BertDecoder):
    """RoBERTa with cross-attention; its positions are counted from the row after that of padding."""

    def __init__(self, model: Any, head: Any):
        super().__init__(model, lambda hidden: head.layer_norm(nn.functional.gelu(head.dense(hidden))), head.decoder)

    def embed(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """See TextDecoder."""
        return super().embed(tokens, positions + self.embeddings.padding_idx + 1)


class GitDecoder(BertDecoder):
    """GIT: tokens attend to image tokens, which are part of the sequence, and to text in the same softmax."""

    def image_keys_and_values(self, layer: int, image: Tensor) -> tuple[Tensor, Tensor]:
        """See TextDecoder; ``image`` are the image tokens after the layers before this one."""
        own = self.layers[layer].attention.self
        return image_heads(own.key(image), self.heads), image_heads(own.value(image), self.heads)

    def apply_image_layer(self, layer: int, image: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """See TextDecoder; image tokens attend to each other in every layer, and never to text."""
        own = self.layers[layer].attention
        query = image_heads(own.self.query(image), self.heads)
        attended = scaled_dot_product_attention(query, keys, values)
        hidden = own.output(attended.transpose(1, 2).flatten(2), image)
        return self.layers[layer].feed_forward_chunk(hidden)

    def apply_layer(self, layer: int, hidden: Tensor, attention: Attention) -> Tensor:
        """See TextDecoder."""
        own = self.layers[layer].attention
        attended = attention.to_image_and_text(*self.queries_keys_values(own.self, hidden))
        return self.layers[layer].feed_forward_chunk(own.output(attended.flatten(1), hidden))
