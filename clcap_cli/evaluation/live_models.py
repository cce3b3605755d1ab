"""Captioners with the backbones of their features, which caption any image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.features.backbone import Backbone
from clcap_cli.features.images import ImageInput, UnreadableImageError
from clcap_cli.features.live import LiveFeatures
from clcap_cli.features.pictures import PictureSource
from clcap_cli.features.saved_encoder import backbone_of
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
        return LiveFeatures(PictureSource(self.backbone, images, on_unreadable=on_unreadable), self.model.uses_grid)


def load_live_models(checkpoints: Sequence[Checkpoint], device: torch.device, weights: str | None) -> list[LiveModel]:
    """Load captioners and their backbones to ``device``.

    ``weights`` are the backbones' weights, needed if a file was given when the training features were extracted.

    Raises ClcapError for imported features, and for a backbone that differs from the one used in training.
    """
    return [
        LiveModel(one.path, one.provenance.id, one.tokenizer, one.captioner(device), backbone_of(one, device, weights))
        for one in checkpoints
    ]
