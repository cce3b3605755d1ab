"""``*.pt``: a captioner with everything that is needed to use it and to train it on.

Plain types and tensors only: it is read with ``weights_only=True`` and never unpickles anything else.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, TypeAdapter, ValidationError
from torch import Tensor

from clcap_cli.artifacts import torch_files
from clcap_cli.artifacts.features import BackboneInfo
from clcap_cli.artifacts.provenance import Origin, Provenance, parse_provenance
from clcap_cli.datasets.vocabulary import SPECIAL, Vocabulary
from clcap_cli.errors import ClcapError
from clcap_cli.models.captioner import Captioner, CaptionerConfig
from clcap_cli.models.registry import build_model

KIND = "clcap/checkpoint"
BEFORE_VERSION_2 = {"image_relu": False}
"""What the models of version 1 were, whose configuration does not say it."""


class Lineage(BaseModel):
    """Where a model stands in the rounds of reference replacement."""

    round: int = 0
    """How many times the reference was replaced before this model was made."""
    parents: list[str] = []
    """Ids of the references of earlier rounds, oldest first."""


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
        """The model itself, in evaluation mode.

        Raises ClcapError when the weights do not fit the model.
        """
        model = build_model(self.model, self.config)
        try:
            model.load_state_dict(self.weights)
        except RuntimeError as error:
            raise ClcapError(f"{self.path}: its weights do not fit its own model '{self.model}'") from error
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
    unsaid = BEFORE_VERSION_2 if provenance.version < 2 else {}
    try:
        return Checkpoint(
            path=path,
            provenance=provenance,
            model=TypeAdapter(str).validate_python(content["model"]),
            config=TypeAdapter(CaptionerConfig).validate_python(unsaid | content["config"]),
            weights=content["weights"],
            vocabulary=Vocabulary(TypeAdapter(list[str]).validate_python(content["vocabulary"])),
            backbone=BackboneInfo.model_validate(content["backbone"]),
            training=content["training"],
            lineage=Lineage.model_validate(content["lineage"]),
        )
    except (KeyError, ValidationError) as error:
        raise ClcapError(f"{path} is a damaged clcap checkpoint: {str(error).splitlines()[0]}") from error
