"""Opening the features of a model: those of a features.h5 or, where none fits, live from the pictures."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import torch

from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.checkpoints import Checkpoint
from clcap_cli.artifacts.compatibility import features_for
from clcap_cli.artifacts.features import Features, open_features
from clcap_cli.artifacts.lineage import find_input
from clcap_cli.artifacts.provenance import Artifact
from clcap_cli.console import print_info
from clcap_cli.errors import ClcapError
from clcap_cli.features.backbone import Backbone
from clcap_cli.features.feature_sets import FeatureSet, LivePictures
from clcap_cli.features.image_check import SkippedImages
from clcap_cli.features.readable_files import find_files, readable_files
from clcap_cli.features.recorded_folders import recorded_image_folders
from clcap_cli.features.saved_encoder import backbone_of


def feature_set_for(
    checkpoint: Checkpoint,
    captions: Captions,
    given: Path | None,
    images: Sequence[Path] | None,
    device: torch.device,
    option: str = "--features",
    others: Sequence[Artifact] = (),
    images_option: str = "--images",
) -> FeatureSet:
    """The features of the images of ``captions`` for a checkpoint: ``given``, recorded, or live from the pictures.

    They are live if no file is given and the checkpoint holds its encoder, unless it records a features.h5 of this
    encoder. ``images`` are the folders of the pictures, by default those recorded. Other parameters and errors as in
    ``features_for``.
    """
    if given or checkpoint.encoder is None or _records_fitting_features(checkpoint):
        return features_for(checkpoint, captions, given, option, others)
    folders = list(images or recorded_folders_of([checkpoint]))
    if not folders:
        raise ClcapError(
            f"{checkpoint.path} computes its features from pictures, whose folder is not recorded or has moved; give "
            f"it with {images_option}, or features from its encoder with {option}"
        )
    print_info(f"{checkpoint.path}: features are computed from the pictures in {', '.join(map(str, folders))}")
    return live_pictures(backbone_of(checkpoint, device, None), folders, captions)


def recorded_features(checkpoint: Checkpoint) -> Features | None:
    """The features.h5 that a checkpoint was made with, whatever encoder it comes from; None if it is not found."""
    with suppress(ClcapError):
        return open_features(find_input(checkpoint, "features", None, "--features"))
    return None


def recorded_folders_of(artifacts: Sequence[Artifact]) -> list[Path]:
    """The folders of pictures that the first of the files records, itself or by its features.h5; none if unknown."""
    for artifact in artifacts:
        paths = [artifact.path]
        with suppress(ClcapError):
            paths.append(find_input(artifact, "features", None, "--features"))
        for path in paths:
            if folders := recorded_image_folders(path):
                return folders
    return []


def live_pictures(encoder: Backbone, folders: Sequence[Path], captions: Captions) -> LivePictures:
    """The pictures of ``captions`` in the folders; images that are not found are an error when they are needed."""
    found = find_files(folders, dict(zip(captions.image_ids, captions.file_names, strict=True)))
    return LivePictures(encoder, found.files, found.missing)


def readable_pictures(
    encoder: Backbone,
    folders: Sequence[Path],
    captions: Captions,
    splits: Collection[str],
    skip_bad: bool,
    augmentation_seed: int | None,
    as_pixels: bool,
) -> LivePictures:
    """The pictures of some splits, for training; their headers are read now.

    Raises ClcapError for pictures that are missing or cannot be read, unless ``skip_bad`` leaves them out.
    """
    rows = zip(captions.image_ids, captions.file_names, captions.splits.tolist(), strict=True)
    names = {id: name for id, name, split in rows if split in splits}
    skipped = SkippedImages(len(names), skip_bad)
    files = readable_files(folders, names, skipped)
    skipped.report("training does without them")
    return LivePictures(encoder, files, skipped.reasons, list(skipped.reasons), augmentation_seed, as_pixels)


def _records_fitting_features(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint records features of the encoder that it expects."""
    found = recorded_features(checkpoint)
    return found is not None and not checkpoint.backbone.differences(found.backbone)
