"""GIT (Wang et al. 2022): a Transformer over image tokens followed by the tokens of the caption."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from clcap_cli.models.hugging_face.bert_decoder import GitDecoder
from clcap_cli.models.hugging_face.captioner import HuggingFaceCaptioner
from clcap_cli.models.rows import ImageFeatures
from clcap_cli.models.self_attention import ImageTokens


class Git(HuggingFaceCaptioner):
    """The text part of GitForCausalLM."""

    encoder_prefix = "git.image_encoder."
    uses_tree = True

    def build_network(self, architecture: Mapping[str, Any]) -> nn.Module:
        """See HuggingFaceCaptioner."""
        from transformers import GitConfig, GitForCausalLM

        config: Any = GitConfig.from_dict(dict(architecture))
        config.vision_config.num_hidden_layers = 0
        network: Any = GitForCausalLM(config)
        del network.git.image_encoder
        return network

    @cached_property
    def decoder(self) -> GitDecoder:
        """See HuggingFaceCaptioner."""
        network: Any = self.network
        return GitDecoder(network.git, nn.Identity(), network.output)

    def project(self, hidden_states: Tensor) -> Tensor:
        """See HuggingFaceCaptioner."""
        network: Any = self.network
        return network.git.visual_projection(hidden_states)

    def encode(self, features: ImageFeatures) -> ImageTokens:
        """See HuggingFaceCaptioner; image tokens attend to each other in every layer, and never to text."""
        decoder, image, pairs = self.decoder, self.project(features.grid), []
        for layer in range(decoder.num_layers):
            pairs.append(decoder.image_keys_and_values(layer, image))
            if layer + 1 < decoder.num_layers:
                image = decoder.apply_image_layer(layer, image, *pairs[-1])
        keys, values = (torch.stack(parts, dim=1) for parts in zip(*pairs, strict=True))
        return ImageTokens(keys, values, features.mask)
