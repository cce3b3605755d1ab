"""Export of captioners of Hugging Face: folders that the library transformers loads and captions with."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import torch
from torch import Tensor

from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.decoding.settings import DEFAULT_BEAM
from clcap_cli.errors import ClcapError
from clcap_cli.exporting.card import model_card, render
from clcap_cli.exporting.folder import CARD, WEIGHTS, Export
from clcap_cli.extras import import_optional
from clcap_cli.features.hugging_face_encoder import HuggingFaceEncoder
from clcap_cli.features.saved_encoder import own_backbone
from clcap_cli.models.adapters import merged_weights
from clcap_cli.models.hugging_face.captioner import HuggingFaceCaptioner
from clcap_cli.models.hugging_face.config import HuggingFaceConfig

NEEDED_BY = "export-captioner"
PROMPTS = {"vision-encoder-decoder": "decoder_input_ids", "blip": "input_ids", "git": "input_ids"}
"""The argument of ``generate`` for the tokens that a caption continues, by the type of model."""


def export_hugging_face(checkpoint: Checkpoint, origin: Origin) -> Export:
    """The files of a captioner of Hugging Face; raises ClcapError if the checkpoint lacks the image encoder."""
    captioner = cast(HuggingFaceCaptioner, checkpoint.captioner(torch.device("cpu")))
    encoder = _encoder_of(checkpoint)
    config = captioner.config
    first, *others = start = [*config.prompt, config.start_token]
    usage = render(
        "hugging_face_usage.md.j2",
        start=[*start, config.end_token] if checkpoint.model == "blip" else start,  # BLIP leaves out the last token
        given=len(start),
        has_prompt=bool(others),
        prompt=checkpoint.tokenizer.record()["format"]["prompt"],
        argument=PROMPTS[checkpoint.model],
        max_length=config.max_length,
    )
    texts = {
        CARD: model_card(checkpoint, origin, "transformers", usage),
        "config.json": _json({**config.architecture, "dtype": "float32"}),
        "preprocessor_config.json": _json(encoder.processor),
        "generation_config.json": _generation_config(config, first, checkpoint.tokenizer.never_generated),
        **_tokenizer_files(checkpoint.tokenizer.record()["json"], first, config.end_token),
    }
    return Export({WEIGHTS: _weights(captioner, encoder)}, texts)


def _encoder_of(checkpoint: Checkpoint) -> HuggingFaceEncoder:
    backbone = own_backbone(checkpoint, torch.device("cpu"), trainable=True)
    if backbone is None or not isinstance(backbone.network, HuggingFaceEncoder):
        raise ClcapError(
            f"{checkpoint.path} does not hold the image encoder of its {checkpoint.model}, so it cannot be exported; a "
            "checkpoint of import-captioner holds it, and so do those that are trained from it"
        )
    return backbone.network


def _weights(captioner: HuggingFaceCaptioner, encoder: HuggingFaceEncoder) -> dict[str, Tensor]:
    """The weights of the whole model by the library's names, with adapters merged."""
    text = {name.removeprefix("network."): value for name, value in merged_weights(captioner).items()}
    image = {f"{captioner.encoder_prefix}{name}": value for name, value in encoder.network.state_dict().items()}
    return text | image


def _generation_config(config: HuggingFaceConfig, first: int, never_generated: tuple[int, ...]) -> str:
    """The settings with which the library's beam search finds the captions of ``caption``."""
    transformers = import_optional("transformers", NEEDED_BY)
    return transformers.GenerationConfig(
        num_beams=DEFAULT_BEAM,
        length_penalty=0.0,
        early_stopping="never",  # until no caption can become better
        max_new_tokens=config.max_length,
        suppress_tokens=list(never_generated) or None,
        bos_token_id=first,
        decoder_start_token_id=first,
        eos_token_id=config.end_token,
        pad_token_id=config.end_token,
    ).to_json_string()


def _tokenizer_files(content: str, start: int, end: int) -> dict[str, str]:
    """The files of the tokenizer with this tokenizer.json, as the library writes them."""
    transformers, tokenizers = (import_optional(name, NEEDED_BY) for name in ("transformers", "tokenizers"))
    pipeline = tokenizers.Tokenizer.from_str(content)
    special = {"bos_token": pipeline.id_to_token(start)} | dict.fromkeys(
        ("eos_token", "pad_token"), pipeline.id_to_token(end)
    )
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=pipeline, **special)
    with TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        return {path.name: path.read_text(encoding="utf-8") for path in sorted(Path(folder).iterdir())}


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
