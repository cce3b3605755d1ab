"""Where the features of images come from: a features.h5, or pictures and an encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from clcap_cli.artifacts.feature_info import BackboneInfo
from clcap_cli.artifacts.features import Features
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.datasets.records import ImageId
from clcap_cli.digests import digest_of_json
from clcap_cli.errors import ClcapError
from clcap_cli.features.backbone import Backbone
from clcap_cli.features.cached import CachedFeatures, computed_once
from clcap_cli.features.image_files import ImageFile
from clcap_cli.features.live import LiveFeatures
from clcap_cli.features.pictures import PictureSource
from clcap_cli.features.pixel_captioner import PixelCaptioner
from clcap_cli.features.source import FeatureSource
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.models.captioner import Captioner
from clcap_cli.remote_path import RemotePath

MAX_HELD_BYTES = 2**31
"""Size up to which features of pictures that do not vary are computed once and held in memory."""


@dataclass(frozen=True)
class LivePictures:
    """Pictures, and the encoder that computes their features when they are needed."""

    encoder: Backbone
    files: Mapping[ImageId, ImageFile]
    missing: Mapping[ImageId, str] = field(default_factory=dict)
    """Reasons why other images have no file."""
    skipped: Sequence[ImageId] = ()
    """Ids of images that are left out."""
    augmentation_seed: int | None = None
    """Seed of random views in training; None for whole pictures."""
    as_pixels: bool = False
    """Whether the encoder becomes a part of the model, which then reads pixels."""
    _held: dict[object, CachedFeatures] = field(default_factory=dict)

    @property
    def backbone(self) -> BackboneInfo:
        """The record of the encoder."""
        return self.encoder.info

    def source(self, ids: Sequence[ImageId], model: Captioner) -> FeatureSource:
        """Pixels for a ``PixelCaptioner``, features for any other model.

        Features that do not vary are held in memory unless they are too large. Raises ClcapError for an image without
        a file.
        """
        pictures = PictureSource(self.encoder, self._files_of(ids), self.augmentation_seed)
        if isinstance(model, PixelCaptioner):
            return pictures
        live, info = LiveFeatures(pictures, model.uses_grid), self.backbone
        numbers = info.pooled_channels + (info.regions * info.grid_channels if model.uses_grid else 0)
        if self.augmentation_seed is not None or 2 * numbers * len(ids) > MAX_HELD_BYTES:
            return live
        key = tuple(ids), model.uses_grid
        if key not in self._held:
            self._held[key] = computed_once(live)
        return self._held[key]

    def _files_of(self, ids: Sequence[ImageId]) -> list[ImageFile]:
        lost = [id for id in ids if id not in self.files]
        if lost:
            reason = self.missing.get(lost[0], "it cannot be read")
            raise ClcapError(
                f"{len(lost):,} of {len(ids):,} images are not found, the first is image {lost[0]}: {reason}; give all "
                "folders of the images"
            )
        return [self.files[id] for id in ids]

    @property
    def id(self) -> str:
        """Identifier of the features of all pictures: of the encoder, the preprocessing, and each file at its age."""
        files = [(str(file), *_state(file)) for file in self.files.values()]
        return digest_of_json([self.backbone.weights_id, self.encoder.preprocessing, files])


def _state(file: ImageFile) -> tuple[int, int] | tuple[str]:
    """The size and time of a file on disk, or what an object store says of its content."""
    path = file if isinstance(file, Path) else file.archive
    if isinstance(path, RemotePath):
        return (path.fingerprint,)
    found = path.stat()
    return found.st_size, found.st_mtime_ns


FeatureSet: TypeAlias = Features | LivePictures


def add_features(origin: Origin, role: str, features: FeatureSet) -> None:
    """Add features as the input of a file with this ``role``."""
    if isinstance(features, LivePictures):
        origin.inputs.append((role, Path("pictures"), features.id))
    else:
        origin.add_input(role, features)


def feature_source(features: FeatureSet, ids: Sequence[ImageId], model: Captioner) -> FeatureSource:
    """The source of what ``model`` reads of these images."""
    return features.source(ids, model) if isinstance(features, LivePictures) else StoredFeatures(features, ids, model)


def boxes_of(features: FeatureSet, ids: Sequence[ImageId]) -> list[np.ndarray] | None:
    """The boxes of the regions of each image, (regions, 4) float32; None if they are not known."""
    return features.boxes_at(features.rows_of(ids).tolist()) if isinstance(features, Features) else None


def with_encoder(captioner: Captioner, features: FeatureSet) -> Captioner:
    """The model that reads ``features``: the captioner, together with the encoder if that is to be a part of it."""
    is_part = isinstance(features, LivePictures) and features.as_pixels
    return PixelCaptioner(features.encoder, captioner) if is_part else captioner  # type: ignore[union-attr]


def views_vary(features: FeatureSet) -> bool:
    """Whether training sees other views of the images in every epoch."""
    return isinstance(features, LivePictures) and features.augmentation_seed is not None
