"""The input files of train-cl, and the models, splits and caches that tasks build from them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from clcap_cli.artifacts.cache import LOG_PROBS_KIND, NEIGHBOURS_KIND, ArrayCache, log_probs_path, neighbours_path
from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.checkpoints import Checkpoint, open_checkpoint
from clcap_cli.artifacts.compatibility import captions_for, check_backbone, check_tokenizer
from clcap_cli.artifacts.discriminators import SavedDiscriminator, open_discriminator
from clcap_cli.artifacts.features import Features
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.console import progress_with_label
from clcap_cli.digests import digest
from clcap_cli.features.feature_sets import FeatureSet, LivePictures, add_features
from clcap_cli.features.opening import recorded_features
from clcap_cli.features.pixel_captioner import captioner_in
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.discriminator import Discriminator, DiscriminatorConfig
from clcap_cli.models.registry import with_dropout
from clcap_cli.retrieval.nearest_images import nearest_images
from clcap_cli.stages.options import NegativesName
from clcap_cli.stages.training_features import TrainingPictures, on_device, reference_features, target_features
from clcap_cli.training.data import CaptionSplit
from clcap_cli.training.fine_tuning import freeze, frozen_weights, initial_model, share_weights
from clcap_cli.training.negatives import NegativeSampler
from clcap_cli.training.picture_settings import PictureSettings
from clcap_cli.training.reference import ModelWithFeatures
from clcap_cli.training.settings import FineTuning

SIMILAR_SHARE: dict[NegativesName, float] = {"random": 0.0, "similar": 1.0, "mixed": 0.5}
SIMILAR_IMAGES = 20
"""Number of most similar images whose captions are similar negatives of an image."""


@dataclass(frozen=True)
class TrainingFiles:
    """The opened checkpoints, captions and features of a run of train-cl."""

    reference: Checkpoint
    start: Checkpoint
    """Checkpoint with the initial weights of the target."""
    captions: Captions
    features: FeatureSet
    reference_features: FeatureSet | None
    """None for an objective that needs no reference."""

    def target_model(self, dropout: float, fine_tuning: FineTuning, device: torch.device) -> ModelWithFeatures:
        """The target with its initial weights and the given dropout rate."""
        start = initial_model(self.start, fine_tuning)
        captioner = replace(start, config=with_dropout(start.config, dropout)).captioner(device)
        freeze(captioner, fine_tuning)
        share_weights(start.weights, captioner)
        return ModelWithFeatures(on_device(captioner, self.features, device), self.features)

    def reference_model(self, target: Captioner, device: torch.device) -> ModelWithFeatures | None:
        """The reference; those of its weights that equal frozen ones of ``target`` are in memory only once.

        None for an objective that needs none.
        """
        features = self.reference_features
        if features is None:
            return None
        captioner = self.reference.captioner(device).requires_grad_(False)
        share_weights({**self.reference.weights, **frozen_weights(captioner_in(target))}, captioner)
        return ModelWithFeatures(on_device(captioner, features, device), features)

    def split(self, name: str, device: torch.device) -> CaptionSplit:
        """The captions of a split, without images that lack features of one of the models."""
        skipped = [*self.features.skipped, *(self.reference_features.skipped if self.reference_features else ())]
        longest = min(self.start.config.max_length, self.reference.config.max_length)
        return CaptionSplit(self.captions, name, device, skipped, self.start.tokenizer, longest)

    def reference_cache(self) -> ArrayCache | None:
        """The reference's ln p of pairs that recur; None for an objective that needs no reference."""
        if self.reference_features is None:
            return None
        origin = Origin("train-cl", {})
        origin.add_input("reference", self.reference)
        origin.add_input("captions", self.captions)
        add_features(origin, "reference features", self.reference_features)
        return ArrayCache(log_probs_path(self.reference.path), LOG_PROBS_KIND, origin)


@dataclass(frozen=True)
class TrainingPaths:
    """Paths given on the command line."""

    ref: Path
    target: Path | None
    captions: Path | None
    features: Path | None
    ref_features: Path | None


def open_files(
    paths: TrainingPaths, settings: PictureSettings, seed: int, needs_reference: bool, origin: Origin
) -> TrainingFiles:
    """Open the reference, the target and their data, and record them in ``origin``.

    Captions and features default to the files that the checkpoints were made from.
    """
    reference = open_checkpoint(paths.ref)
    start = open_checkpoint(paths.target) if paths.target else reference
    check_tokenizer(reference, start.tokenizer, start.path)
    captions = captions_for(reference, paths.captions)
    pictures = TrainingPictures(settings, captions, seed)
    features = target_features(pictures, start, paths.features)
    for role, artifact in (("target", start), ("captions", captions)):
        origin.add_input(role, artifact)
    stored = features if isinstance(features, Features) else recorded_features(start)
    if stored:
        origin.add_input("features", stored)
    if not needs_reference:
        return TrainingFiles(reference, start, captions, features, None)
    shared = paths.features if paths.target is None else None
    of_reference = reference_features(pictures, features, reference, paths.ref_features or shared)
    origin.add_input("reference", reference)
    if isinstance(of_reference, Features):
        origin.add_input("reference features", of_reference)
    return TrainingFiles(reference, start, captions, features, of_reference)


def make_negative_sampler(
    split: CaptionSplit, captions: Captions, target: ModelWithFeatures, negatives: NegativesName
) -> NegativeSampler:
    """The sampler of a split's negatives; the similar images are computed once and cached next to a features.h5."""
    if negatives == "random":
        return NegativeSampler(split)
    features = target.features
    if isinstance(features, LivePictures):
        source = replace(features, augmentation_seed=None).source(split.ids, captioner_in(target.model))
        nearest = nearest_images(source.pooled(), SIMILAR_IMAGES, progress_with_label("similar images, blocks"))
        return NegativeSampler(split, nearest, SIMILAR_SHARE[negatives])
    origin = Origin("train-cl", {"nearest": SIMILAR_IMAGES})
    origin.add_input("features", features)
    origin.add_input("captions", captions)
    cache = ArrayCache(neighbours_path(features.path), NEIGHBOURS_KIND, origin)

    def compute() -> np.ndarray:
        pooled = features.pooled_at(features.rows_of(split.ids))
        return nearest_images(pooled, SIMILAR_IMAGES, progress_with_label("similar images, blocks"))

    def is_valid(nearest: np.ndarray) -> bool:
        images = len(split)
        in_range = ((nearest >= 0) & (nearest < images)).all()
        return bool(in_range) and (nearest.dtype, nearest.shape) == ("int32", (images, min(SIMILAR_IMAGES, images - 1)))

    nearest = cache.get(digest([split.image_rows.tobytes()]), compute, is_valid)
    return NegativeSampler(split, nearest, SIMILAR_SHARE[negatives])


def open_discriminator_for(start: Checkpoint, given: Path | None, origin: Origin) -> SavedDiscriminator | None:
    """The discriminator in the file ``given``, recorded in ``origin``; None if no file is given.

    Raises ClcapError if it has another tokenizer or backbone than the captioner.
    """
    if given is None:
        return None
    saved = open_discriminator(given)
    check_tokenizer(start, saved.tokenizer, given)
    check_backbone(start, saved.backbone, str(given))
    origin.add_input("discriminator", saved)
    return saved


def make_discriminator(start: Checkpoint, saved: SavedDiscriminator | None, device: torch.device) -> Discriminator:
    """The saved discriminator, or a new one for the captioner."""
    if saved:
        return saved.discriminator(device)
    tokenizer, channels = start.tokenizer, start.backbone.pooled_channels
    return Discriminator(DiscriminatorConfig(tokenizer.size, channels, end_token=tokenizer.end)).to(device)
