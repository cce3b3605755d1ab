"""Making a captioner of clcap from a pretrained one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.errors import ClcapError, InvalidValueError
from clcap_cli.features.backbone import Backbone, make_backbone
from clcap_cli.features.hugging_face_encoder import HuggingFaceEncoder
from clcap_cli.hugging_face.pretrained import Pretrained
from clcap_cli.models.hugging_face.captioner import HuggingFaceCaptioner
from clcap_cli.models.hugging_face.config import HuggingFaceConfig
from clcap_cli.models.registry import build_model
from clcap_cli.tokenizers.hugging_face import CaptionFormat, HuggingFaceTokenizer

DROPOUT_RATES = ("hidden_dropout_prob", "resid_pdrop")
"""Names of the dropout rate of hidden states in configurations."""
POSITIONS_AFTER_PADDING = ("roberta", "xlm-roberta")
"""Decoders whose first position follows that of padding."""


@dataclass(frozen=True)
class ImportedCaptioner:
    """The two parts of a pretrained captioner."""

    captioner: HuggingFaceCaptioner
    """The text part, in evaluation mode."""
    encoder: HuggingFaceEncoder
    """The image part."""
    backbone: Backbone
    """The image part with its record and preprocessing."""


def caption_tokenizer(pretrained: Pretrained, prompt: str) -> HuggingFaceTokenizer:
    """The tokenizer of captions that continue ``prompt``, with the tokens at which the captioner starts and ends.

    Raises ClcapError if the configuration does not say where captions start and end, or if tokenizer or prompt do not
    fit the model.
    """
    start, end = _start_and_end(pretrained)
    format = CaptionFormat(start=start, end=end, size=_text_config(pretrained).vocab_size, prompt=prompt.strip())
    return HuggingFaceTokenizer(pretrained.tokenizer_json, f"the tokenizer of {pretrained.folder}", format)


def most_tokens(pretrained: Pretrained, tokenizer: HuggingFaceTokenizer) -> int:
    """The maximum number of tokens of a caption for which the model has positions."""
    return min(MAX_WORDS, _positions(pretrained) - len(tokenizer.prompt) - 1)


def split_captioner(pretrained: Pretrained, tokenizer: HuggingFaceTokenizer, max_length: int) -> ImportedCaptioner:
    """The image part and the text part of a pretrained captioner, on the CPU.

    Raises ClcapError for a kind of encoder or decoder that clcap does not have, and InvalidValueError for a
    ``max_length`` for which the model has no positions.
    """
    if max_length > (most := most_tokens(pretrained, tokenizer)):
        raise InvalidValueError("max_length", f"must be at most {most}, the tokens that the model has positions for")
    encoder = pretrained.encoder()
    backbone = make_backbone(encoder, torch.device("cpu"), trainable=True)
    config = HuggingFaceConfig(
        vocabulary_size=tokenizer.size,
        start_token=tokenizer.start,
        end_token=tokenizer.end,
        max_length=max_length,
        pooled_channels=backbone.info.pooled_channels,
        grid_channels=backbone.info.grid_channels,
        regions=backbone.info.regions,
        positions=_positions(pretrained),
        architecture=pretrained.config,
        prompt=tokenizer.prompt,
        dropout=_dropout(pretrained),
    )
    captioner: Any = build_model(pretrained.family, config)
    weights = {f"network.{name}": value for name, value in pretrained.model.state_dict().items()}
    captioner.load_state_dict({name: weights[name] for name in captioner.state_dict()})
    return ImportedCaptioner(captioner.eval(), encoder, backbone)


def _text_config(pretrained: Pretrained) -> Any:
    return pretrained.model.config.get_text_config(decoder=True)


def _positions(pretrained: Pretrained) -> int:
    """Number of tokens that the text part can read."""
    text = _text_config(pretrained)
    offset = text.pad_token_id + 1 if text.model_type in POSITIONS_AFTER_PADDING else 0
    return text.max_position_embeddings - offset


def _dropout(pretrained: Pretrained) -> float:
    text = _text_config(pretrained)
    return float(next((getattr(text, name) for name in DROPOUT_RATES if hasattr(text, name)), 0))


def _start_and_end(pretrained: Pretrained) -> tuple[int, int]:
    """Ids of the tokens at which the model's ``generate`` starts and ends captions."""
    if pretrained.family == "blip":  # it uses neither eos_token_id nor the start that its tokenizer gives
        names = ["bos_token_id"], ["sep_token_id"]
    else:
        names = ["decoder_start_token_id", "bos_token_id"], ["eos_token_id"]
    start, end = (_special_token(pretrained, of_kind) for of_kind in names)
    if not isinstance(start, int) or not isinstance(end, int):
        raise ClcapError(
            f"{pretrained.folder / 'config.json'} does not say at which token captions start and end: "
            f"{names[0][0]} is {start} and {names[1][0]} is {end}, expected a number each"
        )
    return start, end


def _special_token(pretrained: Pretrained, names: Sequence[str]) -> object:
    """The first value that the settings of generation or the configuration have under one of ``names``."""
    model = pretrained.model
    # A saved generation_config.json can lack the start that config.json has.
    general = [] if pretrained.family == "blip" else [model.generation_config, model.config]
    values = [getattr(part, name, None) for name in names for part in [*general, _text_config(pretrained)]]
    found = next((value for value in values if value is not None), None)
    return found[0] if isinstance(found, list) and len(found) == 1 else found
