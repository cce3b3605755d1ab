"""Captioners with the backbones of their features, which caption any image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.artifacts.feature_info import BackboneInfo
from clcap_cli.errors import ClcapError
from clcap_cli.features.backbone import Backbone, load_backbone
from clcap_cli.features.images import ImageInput, UnreadableImageError
from clcap_cli.features.live import LiveFeatures
from clcap_cli.features.saved_encoder import own_backbone
from clcap_cli.models.captioner import Captioner
from clcap_cli.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True)
class LiveModel:
    """A captioner and the network that computes its features."""

    path: Path
    """Path of its checkpoint."""
    id: str
    """Id of its checkpoint."""
    tokenizer: Tokenizer
    model: Captioner
    backbone: Backbone

    def features_of(
        self,
        images: Sequence[ImageInput],
        on_unreadable: Callable[[int, UnreadableImageError], None] | None = None,
    ) -> LiveFeatures:
        """The features of the images, in their order, computed on demand; see LiveFeatures."""
        return LiveFeatures(self.backbone, images, self.model, on_unreadable)


def load_live_models(checkpoints: Sequence[Checkpoint], device: torch.device, weights: str | None) -> list[LiveModel]:
    """Load captioners and their backbones to ``device``.

    ``weights`` are the backbones' weights, needed if a file was given when the training features were extracted.

    Raises ClcapError for imported features, and for a backbone that differs from the one used in training.
    """
    return [
        LiveModel(one.path, one.provenance.id, one.tokenizer, one.captioner(device), _backbone_of(one, device, weights))
        for one in checkpoints
    ]


def _backbone_of(checkpoint: Checkpoint, device: torch.device, weights: str | None) -> Backbone:
    expected = checkpoint.backbone
    if not isinstance(expected, BackboneInfo):
        raise ClcapError(f"{checkpoint.path} needs features {expected.description}; clcap cannot compute these")
    if own := own_backbone(checkpoint, device):
        return own
    source = weights or (expected.weights if expected.weights == "random" else None)
    backbone = load_backbone(expected.name, source, expected.image_size, device)
    if different := expected.differences(backbone.info):
        name = different[0]
        raise ClcapError(
            f"{checkpoint.path} expects features of {expected.description}; this backbone's {name} is "
            f"{getattr(backbone.info, name)}, expected {getattr(expected, name)}; give the weights with --weights"
        )
    return backbone
