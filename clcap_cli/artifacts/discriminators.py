"""``*.discriminator.pt``: the discriminator of adversarial training.

It holds everything that is needed to continue training and, like a captioner's checkpoint, only plain types and
tensors.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, JsonValue
from torch import Tensor

from clcap_cli.artifacts import torch_files
from clcap_cli.artifacts.checks import check_equal, validated_part
from clcap_cli.artifacts.feature_info import FeatureInfo, info_class
from clcap_cli.artifacts.provenance import Origin, Provenance, parse_provenance
from clcap_cli.artifacts.tokenizers import parse_tokenizer
from clcap_cli.datasets.parsing import validated
from clcap_cli.models.discriminator import Discriminator, DiscriminatorConfig
from clcap_cli.tokenizers.tokenizer import Tokenizer

KIND = "clcap/discriminator"


def discriminator_path(checkpoint: Path) -> Path:
    """The discriminator that a captioner was trained against: ``nt_gan.discriminator.pt`` for ``nt_gan.pt``."""
    return checkpoint.with_name(f"{checkpoint.stem}.discriminator.pt")


class _Metadata(BaseModel):
    """The content of the file except the weights."""

    config: DiscriminatorConfig
    tokenizer: dict[str, JsonValue]
    backbone: dict[str, JsonValue]
    training: dict[str, JsonValue]


@dataclass(frozen=True)
class SavedDiscriminator:
    """An opened ``*.discriminator.pt``."""

    path: Path
    provenance: Provenance
    config: DiscriminatorConfig
    weights: dict[str, Tensor]
    tokenizer: Tokenizer
    backbone: FeatureInfo
    training: dict[str, Any]
    """Record of the captioner's training, which this discriminator was part of."""

    def discriminator(self, device: torch.device) -> Discriminator:
        """Build the discriminator on ``device``, in evaluation mode."""
        discriminator = Discriminator(self.config)
        discriminator.load_state_dict(self.weights)
        return discriminator.eval().to(device)


def write_discriminator(
    out: Path,
    discriminator: Discriminator,
    tokenizer: Tokenizer,
    backbone: FeatureInfo,
    training: dict[str, Any],
    origin: Origin,
) -> None:
    """Write a discriminator to ``out``."""
    weights = torch_files.cpu_weights(discriminator)
    description = {
        "config": asdict(discriminator.config),
        "tokenizer": tokenizer.record(),
        "backbone": backbone.model_dump(mode="json"),
    }
    provenance = origin.make_provenance(KIND, torch_files.content_id(description, weights), out).model_dump()
    torch_files.save({"provenance": provenance, **description, "weights": weights, "training": training}, out)


def open_discriminator(path: Path) -> SavedDiscriminator:
    """Read a ``*.discriminator.pt``.

    Raises ClcapError if it is missing, damaged, truncated, contains pickled objects, or is not a clcap discriminator.
    """
    content = torch_files.load(path)
    provenance = parse_provenance(content["provenance"], path, KIND)
    if provenance.version < 2:
        content["tokenizer"] = {"kind": "words", "words": content.get("vocabulary")}
    metadata = validated(content, _Metadata, path, f"a complete {KIND} file")
    config, tokenizer = metadata.config, parse_tokenizer(metadata.tokenizer, path)
    backbone = validated_part("backbone", metadata.backbone, info_class(metadata.backbone), path, KIND)
    check_equal(path, "its vocabulary size", config.vocabulary_size, tokenizer.size)
    check_equal(path, "its end token", config.end_token, tokenizer.end)
    check_equal(path, "its pooled channels", config.pooled_channels, backbone.pooled_channels)
    weights = torch_files.check_weights(path, content.get("weights"), lambda: Discriminator(config))
    return SavedDiscriminator(path, provenance, config, weights, tokenizer, backbone, metadata.training)
