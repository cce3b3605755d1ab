"""Checkpoints opened together with their captions and features."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.checkpoints import Checkpoint, open_checkpoint
from clcap_cli.artifacts.compatibility import captions_for, check_tokenizer
from clcap_cli.artifacts.features import Features
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import progress_with_label
from clcap_cli.datasets.records import ImageId
from clcap_cli.decoding.captioning import OnBlock, decode, ignore_block
from clcap_cli.decoding.decoded import Decoded
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.features.feature_sets import FeatureSet, feature_source
from clcap_cli.features.opening import feature_set_for
from clcap_cli.features.source import FeatureSource
from clcap_cli.models.captioner import Captioner
from clcap_cli.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True)
class OpenedModel:
    """A captioner with the checkpoint, captions and features that it belongs to."""

    checkpoint: Checkpoint
    model: Captioner
    captions: Captions
    features: FeatureSet

    def rows_of(self, split: str) -> np.ndarray:
        """Rows in captions.h5 of the split's images, without images that extract-features skipped."""
        return self.captions.rows_of(split, self.features.skipped)

    def feature_source(self, rows: np.ndarray) -> FeatureSource:
        """The features of the images at ``rows``."""
        return feature_source(self.features, self.captions.ids_of(rows), self.model)


def decode_texts(
    models: Sequence[Captioner],
    sources: Sequence[FeatureSource],
    settings: DecodingSettings,
    tokenizer: Tokenizer,
    seed: int,
    on_block: OnBlock = ignore_block,
) -> tuple[Decoded, list[list[str]]]:
    """Decode captions with a progress bar: as tokens, and as texts of each image; arguments as in ``decode``."""
    show_progress = progress_with_label("captioning, blocks of images")
    decoded = decode(models, sources, settings, tokenizer.never_generated, seed, show_progress, on_block)
    texts, number = decoded.texts(tokenizer), settings.num_captions
    return decoded, [texts[first : first + number] for first in range(0, len(texts), number)]


def rows_of_all(opened: Sequence[OpenedModel], split: str) -> np.ndarray:
    """Rows in captions.h5 of the split's images that have features for every model."""
    return opened[0].captions.rows_of(split, {id for member in opened for id in member.features.skipped})


def caption_split(
    opened: Sequence[OpenedModel],
    split: str,
    decoding: DecodingSettings,
    seed: int,
    on_block: OnBlock = ignore_block,
) -> dict[ImageId, list[str]]:
    """Caption the images of a split with a model, or with an ensemble of several; ``on_block`` as in ``decode``."""
    first = opened[0]
    rows = rows_of_all(opened, split)
    models, sources = [member.model for member in opened], [member.feature_source(rows) for member in opened]
    _, texts = decode_texts(models, sources, decoding, first.checkpoint.tokenizer, seed, on_block)
    return dict(zip(first.captions.ids_of(rows), texts, strict=True))


@dataclass(frozen=True)
class DataPaths:
    """Files and folders of the data of models; what is not given is what their checkpoints record."""

    captions: Path | None
    features: Path | None
    images: Sequence[Path] | None
    """Folders of the pictures, for checkpoints that compute their features from them."""
    images_option: str = "--images"


def open_model(path: Path, data: DataPaths, compute: ComputeSettings, origin: Origin) -> OpenedModel:
    """Open a checkpoint with its captions and features, given or recorded, and record all three in ``origin``."""
    (opened,) = open_models([path], data, compute, origin)
    return opened


def open_models(paths: Sequence[Path], data: DataPaths, compute: ComputeSettings, origin: Origin) -> list[OpenedModel]:
    """Open checkpoints with the same tokenizer: each with its own features, all with the captions of the first.

    Records every file in ``origin``; the roles of the second checkpoint are "checkpoint 2" and "features 2".
    """
    checkpoints = open_checkpoints(paths)
    captions_h5, device = captions_for(checkpoints[0], data.captions), compute.start()
    sets = [
        feature_set_for(one, captions_h5, data.features, data.images, device, images_option=data.images_option)
        for one in checkpoints
    ]
    for number, (checkpoint, features) in enumerate(zip(checkpoints, sets, strict=True)):
        origin.add_input(numbered_role("checkpoint", number), checkpoint)
        if number == 0:
            origin.add_input("captions", captions_h5)
        if isinstance(features, Features):
            origin.add_input(numbered_role("features", number), features)
    return [
        OpenedModel(checkpoint, checkpoint.captioner(device), captions_h5, features)
        for checkpoint, features in zip(checkpoints, sets, strict=True)
    ]


def open_checkpoints(paths: Sequence[Path]) -> list[Checkpoint]:
    """Open checkpoints with the same tokenizer.

    Raises ClcapError that names two checkpoints with different tokenizers.
    """
    first, *others = (open_checkpoint(path) for path in paths)
    for other in others:
        check_tokenizer(first, other.tokenizer, other.path)
    return [first, *others]


def numbered_role(role: str, number: int) -> str:
    """The provenance role of an ensemble's member: "checkpoint" for the first, then "checkpoint 2" and so on."""
    return role if number == 0 else f"{role} {number + 1}"
