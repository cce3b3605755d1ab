"""``*.pt``: a captioner with everything that is needed to use it and to train it on.

Plain types and tensors only: it is read with ``weights_only=True`` and never unpickles anything else.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, JsonValue, NonNegativeInt
from torch import Tensor

from clcap_cli.artifacts import torch_files
from clcap_cli.artifacts.checks import check_equal, check_unique
from clcap_cli.artifacts.features import BackboneInfo
from clcap_cli.artifacts.provenance import Origin, Provenance, parse_provenance
from clcap_cli.datasets.reading import checked
from clcap_cli.datasets.vocabulary import SPECIAL, Vocabulary
from clcap_cli.errors import damaged
from clcap_cli.models.captioner import Captioner, CaptionerConfig
from clcap_cli.models.registry import build_model

KIND = "clcap/checkpoint"
BEFORE_VERSION_2 = {"image_relu": False}
"""What the models of version 1 were, whose configuration does not say it."""


class Lineage(BaseModel):
    """Where a model stands in the rounds of reference replacement."""

    round: NonNegativeInt = 0
    """How many times the reference was replaced before this model was made."""
    parents: list[str] = []
    """Ids of the references of earlier rounds, oldest first."""


class _Plain(BaseModel):
    """All but the weights."""

    model: str
    config: CaptionerConfig
    vocabulary: list[str]
    backbone: BackboneInfo
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
    vocabulary: Vocabulary
    backbone: BackboneInfo
    training: dict[str, Any]
    """How the training went: epochs, the best one, the criterion, its figures."""
    lineage: Lineage

    def captioner(self, device: torch.device) -> Captioner:
        """The model itself, in evaluation mode."""
        model = build_model(self.model, self.config)
        model.load_state_dict(self.weights)
        return model.eval().to(device)


def write_checkpoint(
    out: Path,
    model: str,
    captioner: Captioner,
    vocabulary: Vocabulary,
    backbone: BackboneInfo,
    training: dict[str, Any],
    lineage: Lineage,
    origin: Origin,
) -> None:
    """Write a captioner to ``out``."""
    weights = torch_files.weights_of(captioner)
    config = asdict(captioner.config)
    head = [model, config, vocabulary.words, backbone.model_dump(mode="json"), lineage.model_dump()]
    content = {
        "provenance": origin.stamp(KIND, torch_files.content_id(head, weights), out).model_dump(),
        "model": model,
        "config": config,
        "weights": weights,
        "vocabulary": vocabulary.words[len(SPECIAL) :],
        "backbone": backbone.model_dump(mode="json"),
        "training": training,
        "lineage": lineage.model_dump(),
    }
    torch_files.save(content, out)


def open_checkpoint(path: Path) -> Checkpoint:
    """Read a ``*.pt``.

    Raises ClcapError when it is missing, damaged, cut short, holds pickled objects, or is not clcap's.
    """
    content = torch_files.load(path)
    provenance = parse_provenance(content["provenance"], path, KIND)
    if provenance.version < 2 and isinstance(content.get("config"), dict):
        content["config"] = BEFORE_VERSION_2 | content["config"]
    plain = checked(content, _Plain, path, f"a whole {KIND} file")
    vocabulary, config, backbone = Vocabulary(plain.vocabulary), plain.config, plain.backbone
    if "epochs" in plain.training and not {"best_epoch", "criterion"} <= plain.training.keys():
        raise damaged(path, "its record of the training is not whole")
    check_unique(path, "its vocabulary", vocabulary.words)
    check_equal(path, "its model's vocabulary size", config.vocabulary_size, len(vocabulary))
    check_equal(path, "its model's pooled channels", config.pooled_channels, backbone.pooled_channels)
    check_equal(path, "its model's grid channels", config.grid_channels, backbone.grid_channels)
    weights = torch_files.check_weights(path, content.get("weights"), lambda: build_model(plain.model, config))
    return Checkpoint(
        path, provenance, plain.model, config, weights, vocabulary, backbone, plain.training, plain.lineage
    )
