"""``*.evaluator.pt``: the evaluator of adversarial training, with everything that is needed to train it on.

Plain types and tensors only, like a captioner's checkpoint.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, JsonValue
from torch import Tensor

from clcap_cli.artifacts import torch_files
from clcap_cli.artifacts.checks import check_equal, checked_part
from clcap_cli.artifacts.feature_info import FeatureInfo, info_kind
from clcap_cli.artifacts.provenance import Origin, Provenance, parse_provenance
from clcap_cli.artifacts.tokenizers import open_tokenizer
from clcap_cli.datasets.parsing import checked
from clcap_cli.models.discriminator import Evaluator, EvaluatorConfig
from clcap_cli.tokenizers.tokenizer import Tokenizer

KIND = "clcap/evaluator"


def evaluator_beside(checkpoint: Path) -> Path:
    """Where the evaluator is that a captioner was trained against: ``nt_gan.evaluator.pt`` for ``nt_gan.pt``."""
    return checkpoint.with_name(f"{checkpoint.stem}.evaluator.pt")


class _Plain(BaseModel):
    """All but the weights."""

    config: EvaluatorConfig
    tokenizer: dict[str, JsonValue]
    backbone: dict[str, JsonValue]
    training: dict[str, JsonValue]


@dataclass(frozen=True)
class SavedEvaluator:
    """An opened ``*.evaluator.pt``."""

    path: Path
    provenance: Provenance
    config: EvaluatorConfig
    weights: dict[str, Tensor]
    tokenizer: Tokenizer
    backbone: FeatureInfo
    training: dict[str, Any]
    """How the captioner's training went, at whose end the evaluator stood like this."""

    def evaluator(self, device: torch.device) -> Evaluator:
        """The evaluator itself, in evaluation mode."""
        evaluator = Evaluator(self.config)
        evaluator.load_state_dict(self.weights)
        return evaluator.eval().to(device)


def write_evaluator(
    out: Path,
    evaluator: Evaluator,
    tokenizer: Tokenizer,
    backbone: FeatureInfo,
    training: dict[str, Any],
    origin: Origin,
) -> None:
    """Write an evaluator to ``out``."""
    weights = torch_files.weights_of(evaluator)
    head = {
        "config": asdict(evaluator.config),
        "tokenizer": tokenizer.record(),
        "backbone": backbone.model_dump(mode="json"),
    }
    provenance = origin.stamp(KIND, torch_files.content_id(head, weights), out).model_dump()
    torch_files.save({"provenance": provenance, **head, "weights": weights, "training": training}, out)


def open_evaluator(path: Path) -> SavedEvaluator:
    """Read a ``*.evaluator.pt``.

    Raises ClcapError when it is missing, damaged, cut short, holds pickled objects, or is not an evaluator of clcap's.
    """
    content = torch_files.load(path)
    provenance = parse_provenance(content["provenance"], path, KIND)
    if provenance.version < 2:
        content["tokenizer"] = {"kind": "words", "words": content.get("vocabulary")}
    plain = checked(content, _Plain, path, f"a whole {KIND} file")
    config, tokenizer = plain.config, open_tokenizer(plain.tokenizer, path)
    backbone = checked_part("backbone", plain.backbone, info_kind(plain.backbone), path, KIND)
    check_equal(path, "its vocabulary size", config.vocabulary_size, tokenizer.size)
    check_equal(path, "its end token", config.end_token, tokenizer.end)
    check_equal(path, "its pooled channels", config.pooled_channels, backbone.pooled_channels)
    weights = torch_files.check_weights(path, content.get("weights"), lambda: Evaluator(config))
    return SavedEvaluator(path, provenance, config, weights, tokenizer, backbone, plain.training)
