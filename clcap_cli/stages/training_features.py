"""The features that train-mle and train-cl train on: stored ones, or pictures with an encoder."""

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.artifacts.features import Features
from clcap_cli.artifacts.provenance import Artifact
from clcap_cli.console import print_info
from clcap_cli.errors import ClcapError
from clcap_cli.features.backbone import Backbone, load_backbone
from clcap_cli.features.default_backbone import DEFAULT_BACKBONE
from clcap_cli.features.feature_sets import FeatureSet, LivePictures, with_encoder
from clcap_cli.features.opening import feature_set_for, readable_pictures, recorded_folders_of
from clcap_cli.features.pixel_limit import limit_pixels
from clcap_cli.features.saved_encoder import backbone_of, recorded_backbone
from clcap_cli.models.captioner import Captioner
from clcap_cli.training.picture_settings import PictureSettings

CPU = torch.device("cpu")
"""Device on which encoders are built, before that of the training is chosen."""


@dataclass(frozen=True)
class TrainingPictures:
    """Pictures as the options of a stage describe them."""

    settings: PictureSettings
    captions: Captions
    seed: int

    def of(self, encoder: Backbone, recorded_by: list[Artifact]) -> LivePictures:
        """The pictures for ``encoder``, in the folders that are given or that one of the files records.

        Raises ClcapError if there are none, and for pictures that cannot be read and are not to be skipped.
        """
        folders = self.folders(recorded_by)
        limit_pixels(self.settings.max_pixels)
        seed = self.seed if self.settings.views_vary else None
        settings, splits = self.settings, ("train", "val")
        found = readable_pictures(
            encoder, folders, self.captions, splits, settings.skip_bad, seed, settings.train_encoder
        )
        views = "random parts of them" if self.settings.views_vary else "whole"
        print_info(f"{len(found.files):,} pictures, read {views} during training; {encoder.info.description}")
        return found

    def folders(self, recorded_by: list[Artifact]) -> list[Path]:
        """The folders of the pictures; raises ClcapError if they are neither given nor recorded."""
        folders = self.settings.images or recorded_folders_of(recorded_by)
        if not folders:
            raise ClcapError("the folder of the pictures is not recorded or has moved; give it with --images")
        return folders


def record_folders(
    settings: MutableMapping[str, Any], pictures: TrainingPictures, recorded_by: list[Artifact], out: Path
) -> None:
    """Store in ``settings`` where the pictures are and ``out``, so that later stages find them; see RecordedFolder."""
    if pictures.settings.are_used:
        settings.update(images=list(map(str, pictures.folders(recorded_by))), out=out)


def on_device(captioner: Captioner, features: FeatureSet, device: torch.device) -> Captioner:
    """The model to train on ``features``, on ``device``; the encoder of live features is moved there too."""
    if isinstance(features, LivePictures):
        features.encoder.network.to(device)
    return with_encoder(captioner, features).to(device)


def mle_features(
    pictures: TrainingPictures,
    start: Checkpoint | None,
    stored: Features | None,
    backbone: str | None,
    image_size: int | None,
) -> FeatureSet:
    """The features for train-mle: ``stored`` ones, unless pictures are to be read.

    The encoder of pictures is that of ``start``, else the one that computed the ``stored`` features, else the one that
    the options name.
    """
    settings = pictures.settings
    if stored and not settings.are_used:
        return stored
    weights = settings.weights
    if start:
        encoder = backbone_of(start, CPU, weights, trainable=True)
    elif stored:
        encoder = recorded_backbone(stored.backbone, stored.path, CPU, weights, trainable=True)
    else:
        encoder = load_backbone(backbone or DEFAULT_BACKBONE, weights, image_size, CPU, trainable=True)
    return pictures.of(encoder, [one for one in (stored, start) if one])


def target_features(pictures: TrainingPictures, start: Checkpoint, given: Path | None) -> FeatureSet:
    """The features for the target of train-cl, which starts from ``start``."""
    settings = pictures.settings
    if not settings.are_used:
        return feature_set_for(start, pictures.captions, given, None, CPU)
    return pictures.of(backbone_of(start, CPU, settings.weights, trainable=True), [start])


def reference_features(
    pictures: TrainingPictures, target: FeatureSet, reference: Checkpoint, given: Path | None
) -> FeatureSet:
    """The features for the reference of train-cl, which has an encoder of its own that is not trained.

    Where the views of the pictures vary, it sees the same views as the target.
    """
    settings = pictures.settings
    if isinstance(target, LivePictures) and settings.views_vary:
        return replace(target, encoder=backbone_of(reference, CPU, settings.weights, trainable=True))
    same = not reference.backbone.differences(target.backbone)
    if isinstance(target, LivePictures) and not target.as_pixels and same and not given:
        return target
    return feature_set_for(reference, pictures.captions, given, settings.images, CPU, "--ref-features")
