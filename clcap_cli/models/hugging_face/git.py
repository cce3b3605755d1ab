"""GIT (Wang et al. 2022): a Transformer over image tokens followed by the tokens of the caption."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from clcap_cli.models.hugging_face.bert_decoder import GitDecoder
from clcap_cli.models.hugging_face.captioner import HuggingFaceCaptioner


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
