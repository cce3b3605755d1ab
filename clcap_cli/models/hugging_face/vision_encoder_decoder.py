"""VisionEncoderDecoder, such as ViT-GPT2: a language model with cross-attention to the image tokens of any encoder."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from clcap_cli.errors import ClcapError
from clcap_cli.models.hugging_face.bert_decoder import BertDecoder, RobertaDecoder
from clcap_cli.models.hugging_face.captioner import HuggingFaceCaptioner
from clcap_cli.models.hugging_face.gpt2_decoder import Gpt2Decoder
from clcap_cli.models.hugging_face.text_decoder import TextDecoder


def _bert(network: Any) -> BertDecoder:
    return BertDecoder(network.bert, network.cls.predictions.transform, network.cls.predictions.decoder)


DECODERS = {
    "gpt2": Gpt2Decoder,
    "bert": _bert,
    "roberta": lambda network: RobertaDecoder(network.roberta, network.lm_head),
    "xlm-roberta": lambda network: RobertaDecoder(network.roberta, network.lm_head),
}
"""Decoders that are supported, by the ``model_type`` of the decoder's configuration."""


class VisionEncoderDecoder(HuggingFaceCaptioner):
    """The text part of VisionEncoderDecoderModel: its decoder and the projection of image tokens, if it has one."""

    encoder_prefix = "encoder."

    def build_network(self, architecture: Mapping[str, Any]) -> nn.Module:
        """See HuggingFaceCaptioner; raises ClcapError for a decoder that is not supported."""
        from transformers import AutoModelForCausalLM, VisionEncoderDecoderConfig

        config: Any = VisionEncoderDecoderConfig.from_dict(dict(architecture))
        if config.decoder.model_type not in DECODERS:
            raise ClcapError(
                f"a decoder '{config.decoder.model_type}' is not supported; clcap has {', '.join(DECODERS)}"
            )
        network = nn.Module()
        network.decoder = AutoModelForCausalLM.from_config(config.decoder)
        size, expected = config.encoder.hidden_size, config.decoder.hidden_size
        if size != expected and getattr(config.decoder, "cross_attention_hidden_size", None) is None:
            network.enc_to_dec_proj = nn.Linear(size, expected)
        return network

    @cached_property
    def decoder(self) -> TextDecoder:
        """See HuggingFaceCaptioner."""
        network: Any = self.network.decoder
        return DECODERS[network.config.model_type](network)

    def project(self, hidden_states: Tensor) -> Tensor:
        """See HuggingFaceCaptioner."""
        network: Any = self.network
        return network.enc_to_dec_proj(hidden_states) if hasattr(network, "enc_to_dec_proj") else hidden_states
