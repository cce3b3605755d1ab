"""Loading a pretrained captioner with transformers, complete or not at all."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import JsonValue

from clcap_cli.encoders.opening import LOCAL, opening
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.extras import import_optional
from clcap_cli.features.hugging_face_encoder import HuggingFaceEncoder
from clcap_cli.hugging_face.folder import NEEDED_BY, read_config
from clcap_cli.input_files import is_file
from clcap_cli.segmentation.subwords import parse_tokenizer_json, read_tokenizer_json

CAPTIONER = "a pretrained captioner"
POOLER = ".pooler."
"""Part of the names of weights of poolers, on whose output no caption depends."""
ENCODERS = {"vision-encoder-decoder": "encoder", "blip": "vision_model", "git": "git.image_encoder"}
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")
PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")


@dataclass(frozen=True)
class Pretrained:
    """A captioner of Hugging Face with everything that its folder has."""

    folder: Path
    model: Any
    """The whole model, in float32 and evaluation mode."""
    config: dict[str, JsonValue]
    """The whole configuration."""
    processor: dict[str, JsonValue]
    """The configuration of the image processor."""
    tokenizer_json: str

    @property
    def family(self) -> str:
        """The type of the model, one of ``FAMILIES``."""
        return str(self.config["model_type"])

    def encoder(self) -> HuggingFaceEncoder:
        """The image part of the model.

        Raises ClcapError if it is of a type that clcap does not use.
        """
        vision = self.model.get_submodule(ENCODERS[self.family])
        encoder = HuggingFaceEncoder(_as_json(vision.config), self.processor, self.folder.resolve().name)
        encoder.network.load_state_dict(vision.state_dict())
        return encoder


def open_pretrained(folder: Path) -> Pretrained:
    """Open the captioner in ``folder``.

    Raises ClcapError if it is not supported, if the folder lacks weights, tokenizer or image processor or has other
    weights, or if a file is damaged.
    """
    read_config(folder)
    transformers = import_optional("transformers", NEEDED_BY)
    _check_present(folder, TOKENIZER_FILES, "tokenizer")
    _check_present(folder, PROCESSOR_FILES, "image processor")
    with opening(folder, CAPTIONER):
        tokenizer = _tokenizer_json(folder, transformers)
        processor = transformers.AutoImageProcessor.from_pretrained(folder, **LOCAL)
        model, report = transformers.AutoModelForImageTextToText.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, **LOCAL
        )
    _check_weights(folder, model, report)
    return Pretrained(folder, model.eval(), _as_json(model.config), _as_json(processor), tokenizer)


def _as_json(settings: Any) -> dict[str, JsonValue]:
    """A configuration of transformers as plain data."""
    return json.loads(settings.to_json_string())


def _check_present(folder: Path, names: Iterable[str], what: str) -> None:
    if not any(is_file(folder / name) for name in names):
        raise ClcapError(f"{folder} has no {what}: expected {' or '.join(names)}; save it there with save_pretrained")


def _tokenizer_json(folder: Path, transformers: Any) -> str:
    """The tokenizer of the folder as text of a tokenizer.json, with what the other files of the folder say about it."""
    path = folder / "tokenizer.json"
    if is_file(path):
        parse_tokenizer_json(read_tokenizer_json(path), str(path))  # in a process of its own, before it is used here
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **LOCAL)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ClcapError(
            f"{folder} has a {type(tokenizer).__name__}, which has no tokenizer.json; "
            "convert it with transformers and save it as tokenizer.json"
        )
    return backend.to_str()


def _check_weights(folder: Path, model: Any, report: Any) -> None:
    """Raise ClcapError unless the folder has exactly the model's weights, all of them finite.

    Weights of a pooler may be missing; they become zero.
    """
    for kind in ("missing", "unexpected", "mismatched"):
        names = sorted(str(name) for name in report[f"{kind}_keys"] if kind != "missing" or POOLER not in str(name))
        if names:
            raise ClcapError(
                f"{folder} does not fit its config.json: {len(names)} {kind} weights: {first_few(names, 3)}"
            )
    with torch.no_grad():
        for name in report["missing_keys"]:
            model.get_parameter(name).zero_()
    nonfinite = [name for name, value in model.state_dict().items() if not torch.isfinite(value).all()]
    if nonfinite:
        raise ClcapError(f"{folder} has weights that are not finite numbers: {first_few(nonfinite, 3)}")
