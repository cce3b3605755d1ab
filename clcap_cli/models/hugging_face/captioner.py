"""Captioners of Hugging Face: their text part, which captions the hidden states of an image encoder.

The image encoder is not part of the captioner: its hidden states are the regions of ``ImageFeatures``. The layers are
those of the library transformers, with their weights under the same names. They are run without padding, with each
prefix that captions of an image share computed once, and with keys and values of the images computed once per image.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from clcap_cli.compute.divided_model import with_weights_of
from clcap_cli.models.adapters import add_adapters
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.hugging_face.attention import CaptionAttention, NextTokenAttention, tree_paths
from clcap_cli.models.hugging_face.config import HuggingFaceConfig
from clcap_cli.models.hugging_face.text_decoder import Attention, TextDecoder
from clcap_cli.models.hugging_face.tied_weights import leave_out_tied_weights
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.models.self_attention import CachedAttention, CachedTokens, ImageTokens


class HuggingFaceCaptioner(Captioner[ImageTokens, CachedTokens]):
    """The text part of a captioner of Hugging Face.

    Its ln p are computed from logits, because the losses of the models differ in what they shift and mask.
    """

    Config: ClassVar = HuggingFaceConfig
    config: HuggingFaceConfig
    encoder_prefix: ClassVar[str]
    """Start of the names of the image encoder's weights in the whole model."""
    uses_tree: ClassVar[bool] = False
    """Whether tokens attend to image and text in one softmax."""

    def __init__(self, config: HuggingFaceConfig):
        super().__init__(config)
        self.network = self.build_network(config.architecture)
        """The library's modules, under the names that they have in the whole model."""
        for module in self.network.modules():
            if isinstance(module, nn.Dropout):
                module.p = config.dropout
        if config.lora_rank:
            add_adapters(self.network, self.decoder.layers, config.lora_rank)
        leave_out_tied_weights(self)
        self.checkpoints_layers = False
        """Whether activations within layers are computed again in the backward pass instead of stored."""

    @abstractmethod
    def build_network(self, architecture: Mapping[str, Any]) -> nn.Module:
        """The text part of the model with the configuration ``architecture``, with initial weights."""

    @property
    @abstractmethod
    def decoder(self) -> TextDecoder:
        """The text decoder over the modules of ``network``."""

    @property
    def output(self) -> nn.Linear:  # type: ignore[override]
        """See Captioner."""
        return self.decoder.output

    @property
    def uses_grid(self) -> bool:
        """See Captioner."""
        return True

    @property
    def prompt(self) -> tuple[int, ...]:
        """See Captioner."""
        return self.config.prompt

    @property
    def state_size(self) -> int:
        """See Captioner."""
        tokens = len(self.prompt) + self.config.max_length + 1
        return 2 * self.decoder.num_layers * self.decoder.hidden_size * tokens

    @property
    def encoded_size(self) -> int:
        """See Captioner."""
        return 2 * self.decoder.num_layers * self.decoder.hidden_size * self.config.regions

    def encode(self, features: ImageFeatures) -> ImageTokens:
        """Keys and values of the image tokens for every layer."""
        decoder, image, pairs = self.decoder, self.project(features.grid), []
        for layer in range(decoder.num_layers):
            keys, values, image = with_weights_of(decoder.layers[layer], self._image_layer, layer, image)
            pairs.append((keys, values))
        keys, values = (torch.stack(parts, dim=1) for parts in zip(*pairs, strict=True))
        return ImageTokens(keys, values, features.mask)

    def _image_layer(self, layer: int, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Keys and values of the image tokens in a layer, and the image tokens for the next one."""
        keys, values = self.decoder.image_keys_and_values(layer, image)
        is_last = layer + 1 == self.decoder.num_layers
        return keys, values, image if is_last else self.decoder.apply_image_layer(layer, image, keys, values)

    def project(self, hidden_states: Tensor) -> Tensor:
        """Image tokens (N, R, C) from the image encoder's hidden states (N, R, grid channels)."""
        return hidden_states

    def sequence_log_prob(self, encoded: ImageTokens, captions: Tensor, lengths: Tensor, image_index: Tensor) -> Tensor:
        """See Captioner."""
        decoder, next_tokens = self.decoder, self.next_tokens(captions, lengths, image_index)
        prefixes = next_tokens.prefixes
        path = tree_paths(prefixes) if self.uses_tree else None
        hidden = decoder.embed(prefixes.tokens, prefixes.time_step)
        for layer in range(decoder.num_layers):
            hidden = self._apply_layer(layer, hidden, CaptionAttention(encoded, layer, prefixes, path))
        return next_tokens.log_prob(decoder.finish(hidden), decoder.output)

    def _apply_layer(self, layer: int, hidden: Tensor, attention: Attention) -> Tensor:
        work = self.decoder.layers[layer], self.decoder.apply_layer, layer, hidden, attention
        if self.checkpoints_layers and torch.is_grad_enabled():
            return checkpoint(with_weights_of, *work, use_reentrant=False)
        return with_weights_of(*work)

    def initial_state(self, encoded: ImageTokens) -> CachedTokens:
        """See Captioner; after the prompt, if there is one."""
        empty = encoded.keys[:, :, :, :0]
        state, image_index = CachedTokens(empty, empty), torch.arange(len(encoded), device=empty.device)
        for token in self.prompt:
            _, state = self.advance(encoded, image_index, state, torch.full_like(image_index, token))
        return state

    def advance(
        self, encoded: ImageTokens, image_index: Tensor, state: CachedTokens, tokens: Tensor
    ) -> tuple[Tensor, CachedTokens]:
        """See Captioner."""
        decoder = self.decoder
        hidden = decoder.embed(tokens, torch.full_like(tokens, state.keys.shape[3]))
        caches = []
        for layer in range(decoder.num_layers):
            cache = CachedAttention(state.keys[:, layer], state.values[:, layer])
            hidden = decoder.apply_layer(layer, hidden, NextTokenAttention(encoded, layer, image_index, cache))
            caches.append((cache.keys, cache.values))
        keys, values = (torch.stack(parts, dim=1) for parts in zip(*caches, strict=True))
        return decoder.finish(hidden), CachedTokens(keys, values)
