"""A checkpoint opened together with the captions and the features that it works on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.checkpoints import Checkpoint, open_checkpoint
from clcap_cli.artifacts.features import Features
from clcap_cli.artifacts.inputs import captions_for, features_for
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.compute import Compute
from clcap_cli.console import watching
from clcap_cli.decoding.captioning import decode
from clcap_cli.decoding.decoded import Decoded
from clcap_cli.decoding.settings import DecodingSettings
from clcap_cli.features.source import FeatureSource
from clcap_cli.features.stored import StoredFeatures
from clcap_cli.models.captioner import Captioner
from clcap_cli.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True)
class OpenedModel:
    """What caption, self-retrieve and evaluate start from."""

    checkpoint: Checkpoint
    model: Captioner
    captions: Captions
    features: Features

    def rows_of(self, split: str) -> np.ndarray:
        """Rows, in captions.h5, of the split's images, without those that extract-features left out."""
        return self.captions.rows_of(split, self.features.skipped)

    def reader(self, rows: np.ndarray) -> StoredFeatures:
        """The features of the images at ``rows``."""
        return StoredFeatures(self.features, self.captions.ids_of(rows), self.model)


def decode_texts(
    model: Captioner, source: FeatureSource, settings: DecodingSettings, tokenizer: Tokenizer, seed: int
) -> tuple[Decoded, list[str]]:
    """The model's captions of the images, as tokens and as text, with progress on the screen."""
    watch = watching("captioning, blocks of images")
    found = decode([model], [source], settings, tokenizer.never_written, seed, watch)
    return found, found.texts(tokenizer)


def open_model(
    path: Path, captions: Path | None, features: Path | None, compute: Compute, origin: Origin
) -> OpenedModel:
    """Open a checkpoint with what it was made from, or with what is given, and record all three in ``origin``."""
    checkpoint = open_checkpoint(path)
    spoken = captions_for(checkpoint, captions)
    seen = features_for(checkpoint, spoken, features)
    for role, artifact in (("checkpoint", checkpoint), ("captions", spoken), ("features", seen)):
        origin.uses(role, artifact)
    return OpenedModel(checkpoint, checkpoint.captioner(compute.start()), spoken, seen)
