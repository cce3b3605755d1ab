"""Loading a pretrained captioner with transformers, complete or not at all."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import JsonValue

from clcap_cli.encoders.opening import LOCAL, opening
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.extras import import_optional
from clcap_cli.features.hugging_face_encoder import HuggingFaceEncoder
from clcap_cli.hugging_face.folder import NEEDED_BY, PROCESSOR_FILES
from clcap_cli.input_files import is_file
from clcap_cli.models.registry import MODELS
from clcap_cli.segmentation.subwords import parse_tokenizer_json, read_tokenizer_json

CAPTIONER = "a pretrained captioner"
POOLER = ".pooler."
"""Part of the names of weights of poolers, on whose output no caption depends."""


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
        family: Any = MODELS.get(self.family)
        vision = self.model.get_submodule(family.encoder_prefix.removesuffix("."))
        encoder = HuggingFaceEncoder(_as_json(vision.config), self.processor, self.folder.resolve().name)
        encoder.network.load_state_dict(vision.state_dict())
        return encoder


def open_pretrained(folder: Path) -> Pretrained:
    """Open the captioner in ``folder``, which ``check_folder`` accepts.

    Raises ClcapError if the folder lacks weights or has other ones, or if a file is damaged.
    """
    transformers = import_optional("transformers", NEEDED_BY)
    with opening(folder, CAPTIONER, "tokenizer_config.json"):
        tokenizer = _tokenizer_json(folder, transformers)
    with opening(folder, CAPTIONER, next(name for name in PROCESSOR_FILES if is_file(folder / name))):
        processor = transformers.AutoImageProcessor.from_pretrained(folder, **LOCAL)
    with opening(folder, CAPTIONER):
        model, report = transformers.AutoModelForImageTextToText.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True, **LOCAL
        )
    _check_weights(folder, model, report)
    return Pretrained(folder, model.eval(), _as_json(model.config), _as_json(processor), tokenizer)


def _as_json(settings: Any) -> dict[str, JsonValue]:
    """A configuration of transformers as plain data."""
    return json.loads(settings.to_json_string())


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
    for name, found, expected in sorted(report["mismatched_keys"], key=str):
        raise ClcapError(
            f"{folder} has weights that do not fit its config.json: {name} has the shape {list(found)}, expected "
            f"{list(expected)}"
        )
    for kind in ("missing", "unexpected"):
        names = sorted(str(name) for name in report[f"{kind}_keys"] if kind != "missing" or POOLER not in str(name))
        if names:
            found = f"{len(names)} are {kind}: {first_few(names, 3)}"
            raise ClcapError(f"{folder} has weights that do not fit its config.json: {found}")
    with torch.no_grad():
        for name in report["missing_keys"]:
            model.get_parameter(name).zero_()
    nonfinite = [name for name, value in model.state_dict().items() if not torch.isfinite(value).all()]
    if nonfinite:
        raise ClcapError(f"{folder} has weights that are not finite numbers: {first_few(nonfinite, 3)}")
