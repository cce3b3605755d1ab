"""Image encoders as checkpoints hold them, and backbones built from these."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, Field, JsonValue

from clcap_cli.artifacts.checkpoints import KIND, Checkpoint
from clcap_cli.artifacts.checks import validated_part
from clcap_cli.artifacts.feature_info import MAX_IMAGE_SIZE, BackboneInfo, FeatureInfo
from clcap_cli.artifacts.saved_encoder import WEIGHT, SavedEncoder
from clcap_cli.artifacts.torch_files import check_weights, cpu_weights
from clcap_cli.errors import ClcapError, damaged_file_error
from clcap_cli.features.backbone import Backbone, build_encoder, load_backbone, make_backbone, weights_id
from clcap_cli.features.encoder import ImageEncoder
from clcap_cli.features.feature_sets import FeatureSet, LivePictures
from clcap_cli.features.hugging_face_encoder import HuggingFaceEncoder
from clcap_cli.features.pixel_captioner import PixelCaptioner
from clcap_cli.models.captioner import Captioner


class _NamedNetwork(BaseModel, extra="forbid"):
    """The architecture of a network of timm or of a package."""

    kind: Literal["timm", "package"]
    name: str
    image_size: Annotated[int, Field(ge=1, le=MAX_IMAGE_SIZE)]


def _named_network(architecture: object, path: Path) -> ImageEncoder:
    found = validated_part("encoder.architecture", architecture, _NamedNetwork, path, KIND)
    return build_encoder(found.name, "random", found.image_size)


class _HuggingFaceNetwork(BaseModel, extra="forbid"):
    """The architecture of a network of Hugging Face."""

    kind: Literal["huggingface"]
    name: str
    config: dict[str, JsonValue]
    processor: dict[str, JsonValue]


def _hugging_face_network(architecture: object, path: Path) -> ImageEncoder:
    found = validated_part("encoder.architecture", architecture, _HuggingFaceNetwork, path, KIND)
    return HuggingFaceEncoder(found.config, found.processor)


KINDS: Mapping[str, Callable[[dict[str, JsonValue], Path], ImageEncoder]] = {
    "timm": _named_network,
    "package": _named_network,
    "huggingface": _hugging_face_network,
}
"""Functions that build an encoder with any weights from its architecture and the path of the file that holds it."""


def as_saved(encoder: ImageEncoder) -> SavedEncoder:
    """The encoder as a checkpoint holds it."""
    weights = {name: value.contiguous() for name, value in cpu_weights(encoder).items()}
    return SavedEncoder(encoder.architecture, weights)


def encoder_to_write(
    model: Captioner, features: FeatureSet, held: SavedEncoder | None
) -> tuple[FeatureInfo, SavedEncoder | None]:
    """The record of the encoder of a model trained on ``features``, and the encoder that its checkpoint is to hold.

    ``held`` is the encoder of the checkpoint that it started from. Models trained from pictures hold their encoder.
    """
    if isinstance(model, PixelCaptioner):
        changed = {"weights": "fine-tuned", "weights_id": weights_id(model.encoder)}
        return features.backbone.model_copy(update=changed), as_saved(model.encoder)
    if held is None and isinstance(features, LivePictures):
        held = as_saved(features.encoder.network)
    return features.backbone, held


def backbone_of(checkpoint: Checkpoint, device: torch.device, weights: str | None, trainable: bool = False) -> Backbone:
    """The backbone that computes the features of a checkpoint: the one that it holds, or the one that it names.

    ``weights`` and ``trainable`` as in ``load_backbone``. Raises ClcapError for imported features, and if the backbone
    is not the one that the checkpoint records.
    """
    own = own_backbone(checkpoint, device, trainable)
    return own or recorded_backbone(checkpoint.backbone, checkpoint.path, device, weights, trainable)


def own_backbone(checkpoint: Checkpoint, device: torch.device, trainable: bool = False) -> Backbone | None:
    """The backbone that a checkpoint holds; None if it holds none. Errors as in ``backbone_of``."""
    if checkpoint.encoder is None:
        return None
    base = checkpoint.base
    holder = base.path if base and checkpoint.encoder is base.encoder else checkpoint.path
    encoder = _built(checkpoint.encoder, holder)
    encoder.weights = getattr(checkpoint.backbone, "weights", "")
    backbone = make_backbone(encoder, device, trainable)
    if different := checkpoint.backbone.differences(backbone.info):
        raise damaged_file_error(checkpoint.path, f"its image encoder has another {different[0]} than it records")
    return backbone


def recorded_backbone(
    recorded: FeatureInfo, path: Path, device: torch.device, weights: str | None, trainable: bool = False
) -> Backbone:
    """The backbone that the file at ``path`` records; parameters and errors as in ``backbone_of``."""
    if not isinstance(recorded, BackboneInfo):
        raise ClcapError(f"{path} needs features {recorded.description}; clcap cannot compute these")
    source = weights or (recorded.weights if recorded.weights == "random" else None)
    backbone = load_backbone(recorded.name, source, recorded.image_size, device, trainable)
    if different := recorded.differences(backbone.info):
        name = different[0]
        raise ClcapError(
            f"{path} expects features of {recorded.description}; this backbone's {name} is "
            f"{getattr(backbone.info, name)}, expected {getattr(recorded, name)}; give the weights with --weights"
        )
    return backbone


def _built(saved: SavedEncoder, path: Path) -> ImageEncoder:
    build = KINDS.get(str(saved.architecture.get("kind")))
    if build is None:
        raise damaged_file_error(path, f"its image encoder is of the unknown kind '{saved.architecture.get('kind')}'")
    with torch.random.fork_rng(devices=[]):  # the initial weights, which are replaced, draw from no stream of the run
        weights = check_weights(path, saved.weights, lambda: build(saved.architecture, path), WEIGHT)
        encoder = build(saved.architecture, path)
    encoder.load_state_dict(weights)
    return encoder
