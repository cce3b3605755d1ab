"""``*.pt``: a captioner with everything that is needed to use it or to continue training.

A checkpoint holds only plain types and tensors; it is read with ``weights_only=True``, which unpickles nothing else.
If training changed only some weights, it holds these, and names its base, the checkpoint that has the others.
"""

from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, JsonValue, NonNegativeInt
from pydantic_core import to_jsonable_python
from torch import Tensor

from clcap_cli.artifacts import torch_files
from clcap_cli.artifacts.base import Base, find_base
from clcap_cli.artifacts.checks import check_equal, validated_part
from clcap_cli.artifacts.earlier_names import upgrade_training
from clcap_cli.artifacts.feature_info import FeatureInfo, info_class
from clcap_cli.artifacts.provenance import Origin, Provenance, parse_provenance
from clcap_cli.artifacts.saved_encoder import SavedEncoder, parse_encoder
from clcap_cli.artifacts.tokenizers import parse_tokenizer
from clcap_cli.datasets.parsing import validated
from clcap_cli.errors import ClcapError, damaged_file_error
from clcap_cli.models.adapters import load_weights
from clcap_cli.models.captioner import Captioner, CaptionerConfig
from clcap_cli.models.registry import MODELS, build_model
from clcap_cli.tokenizers.tokenizer import Tokenizer
from clcap_cli.tokenizers.words import SPECIAL_TOKENS

KIND = "clcap/checkpoint"


class Lineage(BaseModel):
    """A model's history of reference replacement."""

    round: NonNegativeInt = 0
    """Number of times that the reference was replaced before this model was trained."""
    parents: list[str] = []
    """Ids of the references of earlier rounds, oldest first."""


class _Metadata(BaseModel):
    """The content of a checkpoint except the weights."""

    model: str
    config: dict[str, JsonValue]
    tokenizer: dict[str, JsonValue]
    backbone: dict[str, JsonValue]
    training: dict[str, JsonValue]
    lineage: Lineage


@dataclass(frozen=True)
class Checkpoint:
    """An opened ``*.pt``."""

    path: Path
    provenance: Provenance
    model: str
    config: CaptionerConfig
    weights: dict[str, Tensor]
    tokenizer: Tokenizer
    backbone: FeatureInfo
    training: dict[str, Any]
    """Record of the training: number of epochs, best epoch, criterion, metrics."""
    lineage: Lineage
    encoder: SavedEncoder | None = None
    """The image encoder that computes the features; None if it is only described, by ``backbone``."""
    base: Base | None = None
    """None if the file holds all weights."""

    def captioner(self, device: torch.device) -> Captioner:
        """Build the model on ``device``, in evaluation mode; adapters that it has no weights for are new."""
        model = build_model(self.model, self.config)
        load_weights(model, self.weights)
        return model.eval().to(device)

    def base_for(self, trained: Captioner) -> Base:
        """The base of a checkpoint of a model that started from this one, with some weights ``trained``."""
        names = frozenset(torch_files.trained_weights(trained))
        if self.base:
            return replace(self.base, own_names=self.base.own_names | names)
        return Base(self.path, self.provenance, self.encoder, names)


def write_checkpoint(
    out: Path,
    model: str,
    captioner: Captioner,
    tokenizer: Tokenizer,
    backbone: FeatureInfo,
    training: dict[str, Any],
    lineage: Lineage,
    origin: Origin,
    encoder: SavedEncoder | None = None,
    base: Base | None = None,
) -> None:
    """Write a checkpoint of ``captioner``, and of the image encoder if it is given, to ``out``.

    With a ``base``, which is an input of ``origin``, only what differs from it is written.
    """
    weights = torch_files.cpu_weights(captioner)
    config = to_jsonable_python(asdict(captioner.config))
    description = [model, config, tokenizer.record(), backbone.model_dump(mode="json"), lineage.model_dump()]
    if base:
        weights = {name: value for name, value in weights.items() if name in base.own_names}
        encoder = None if encoder is base.encoder else encoder
        description.append(base.provenance.id)
    content_id = _content_id(description, weights, encoder)
    content = {
        "provenance": origin.make_provenance(KIND, content_id, out).model_dump(),
        "model": model,
        "config": config,
        "weights": weights,
        "tokenizer": tokenizer.record(),
        "backbone": backbone.model_dump(mode="json"),
        "training": training,
        "lineage": lineage.model_dump(),
        **({"encoder": vars(encoder)} if encoder else {}),
    }
    torch_files.save(content, out)


def _content_id(description: list[Any], weights: dict[str, Tensor], encoder: SavedEncoder | None) -> str:
    """The content id; that of a checkpoint without encoder is the same as in earlier versions."""
    if encoder is None:
        return torch_files.content_id(description, weights)
    own = {f"encoder {name}": value for name, value in encoder.weights.items()}
    return torch_files.content_id([*description, encoder.architecture], weights | own)


def open_checkpoint(path: Path) -> Checkpoint:
    """Read a ``*.pt``, and its base if it has one.

    Raises ClcapError if it is missing, damaged, truncated, contains pickled objects, or was not written by clcap.
    """
    return _opened(path, None)


def _opened(path: Path, builds_on_it: Path | None) -> Checkpoint:
    """The checkpoint at ``path``; ``builds_on_it`` is the checkpoint whose base it is."""
    content = torch_files.load(path)
    provenance = parse_provenance(content["provenance"], path, KIND)
    metadata = validated(_upgrade_to_version_4(content, provenance.version), _Metadata, path, f"a complete {KIND} file")
    if metadata.model not in MODELS.names:
        raise ClcapError(
            f"{path} has a model '{metadata.model}', which clcap does not include; install the package that adds it"
        )
    if "epochs" in metadata.training and not {"best_epoch", "criterion"} <= metadata.training.keys():
        raise damaged_file_error(path, "its training record is incomplete")
    config = validated_part("config", metadata.config, MODELS.get(metadata.model).Config, path, KIND)
    backbone = validated_part("backbone", metadata.backbone, info_class(metadata.backbone), path, KIND)
    tokenizer = parse_tokenizer(metadata.tokenizer, path)
    _check_tokens(path, config, tokenizer)
    for name in ("pooled_channels", "grid_channels"):
        expected = getattr(backbone, name)
        check_equal(path, f"its model's {name.replace('_', ' ')}", getattr(config, name, expected), expected)
    encoder = parse_encoder(content.get("encoder"), path, KIND)
    base_path = find_base(path, provenance)
    if base_path and builds_on_it:
        raise damaged_file_error(builds_on_it, f"its base {path} has a base itself")
    inherited = _opened(base_path, path) if base_path else None
    build = partial(build_model, metadata.model, config)
    others = inherited.weights if inherited else {}
    weights = torch_files.check_weights(path, content.get("weights"), build, inherited=others)
    training, lineage = metadata.training, metadata.lineage
    opened = Checkpoint(
        path, provenance, metadata.model, config, weights, tokenizer, backbone, training, lineage, encoder
    )
    if inherited is None:
        return opened
    base = Base(inherited.path, inherited.provenance, inherited.encoder, frozenset(content["weights"]))
    return replace(opened, encoder=encoder or inherited.encoder, base=base)


def _upgrade_to_version_4(content: dict[str, Any], version: int) -> dict[str, Any]:
    """The content of an older file with the current names in its training record."""
    content = _upgrade_to_version_3(content, version)
    training = content.get("training")
    return (
        {**content, "training": upgrade_training(training)} if version < 4 and isinstance(training, dict) else content
    )


def _upgrade_to_version_3(content: dict[str, Any], version: int) -> dict[str, Any]:
    """The content of a file of version 1 or 2 in the layout of version 3, which added tokenizers and model configs."""
    words, config = content.get("vocabulary"), content.get("config")
    if version >= 3 or not isinstance(words, list) or not isinstance(config, dict):
        return content
    tokens = {"start_token": len(words) + len(SPECIAL_TOKENS), "end_token": 0}
    defaults = {"image_relu": False} if version < 2 else {}
    return {**content, "config": {**defaults, **tokens, **config}, "tokenizer": {"kind": "words", "words": words}}


def _check_tokens(path: Path, config: CaptionerConfig, tokenizer: Tokenizer) -> None:
    """Raise ClcapError unless the model's token ids match the tokenizer's."""
    check_equal(path, "its model's vocabulary size", config.vocabulary_size, tokenizer.size)
    check_equal(path, "its model's start token", config.start_token, tokenizer.start)
    check_equal(path, "its model's end token", config.end_token, tokenizer.end)
