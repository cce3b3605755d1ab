"""BLIP (Li et al. 2022): a BERT decoder with cross-attention to the image tokens of a vision Transformer."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from torch import nn

from clcap_cli.models.hugging_face.bert_decoder import BertDecoder
from clcap_cli.models.hugging_face.captioner import HuggingFaceCaptioner


class Blip(HuggingFaceCaptioner):
    """The text part of BlipForConditionalGeneration."""

    encoder_prefix = "vision_model."

    def build_network(self, architecture: Mapping[str, Any]) -> nn.Module:
        """See HuggingFaceCaptioner."""
        from transformers import BlipConfig
        from transformers.models.blip.modeling_blip_text import BlipTextLMHeadModel

        network, config = nn.Module(), BlipConfig.from_dict(dict(architecture))
        text_config: Any = config.text_config
        network.text_decoder = BlipTextLMHeadModel(text_config)
        return network

    @cached_property
    def decoder(self) -> BertDecoder:
        """See HuggingFaceCaptioner."""
        text: Any = self.network.text_decoder
        return BertDecoder(text.bert, text.cls.predictions.transform, text.cls.predictions.decoder)
