"""Batches of a training step: images with their own captions, and with captions of other images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from clcap_cli.models.rows import ImageFeatures
from tests.benchmarks.measure import standard_captions, standard_images
from tests.benchmarks.real_captions import RealCaptions, padded

IMAGES, EACH = 10, 5
"""Usual number of images in a batch, and number of captions of each."""
BATCHES = 5
"""Number of batches that a benchmark trains on in turn."""


@dataclass(frozen=True)
class Batch:
    """Images and 1 + K sets of captions; each set has one caption for each own caption of the images."""

    features: ImageFeatures
    tokens: Tensor
    """(B, T) token ids of all sets, one set after another."""
    lengths: Tensor
    """(B,) numbers of tokens without the end token."""
    image: Tensor
    """(B,) row of ``features`` that each caption is paired with."""
    sets: int
    """1 + K."""

    @property
    def words(self) -> int:
        """Number of tokens to predict, the end tokens included."""
        return int((self.lengths + 1).sum())

    @property
    def distinct_words(self) -> int:
        """Number of different prefixes of an image's captions: without dropout, each needs to be computed only once."""
        rows = zip(self.image.tolist(), self.tokens.tolist(), self.lengths.tolist(), strict=True)
        return len({(image, *words[:end]) for image, words, length in rows for end in range(length + 1)})

    @property
    def distinct_inputs(self) -> int:
        """Number of different tokens that are inputs, the start token included."""
        rows = zip(self.tokens.tolist(), self.lengths.tolist(), strict=True)
        return 1 + len({word for words, length in rows for word in words[:length]})

    def split_sets(self) -> list["Batch"]:
        """The sets as batches of their own."""
        columns = zip(*(part.chunk(self.sets) for part in (self.tokens, self.lengths, self.image)), strict=True)
        return [Batch(self.features, *column, sets=1) for column in columns]

    @classmethod
    def make(cls, tokens: Tensor, lengths: Tensor, sets: int, device: str) -> Self:
        """A batch of captions that are grouped by image within each set."""
        images = len(tokens) // (EACH * sets)
        image = torch.arange(images).repeat_interleave(EACH).repeat(sets)
        return cls(standard_images(images, device), tokens.to(device), lengths.to(device), image.to(device), sets)


def random_batches(k: int, images: int, device: str) -> list[Batch]:
    """Batches of captions whose words are drawn uniformly, so that few prefixes are equal."""
    captions = standard_captions(images * (1 + k) * BATCHES, EACH, device)
    columns = zip(captions.tokens.chunk(BATCHES), captions.lengths.chunk(BATCHES), strict=True)
    return [Batch.make(tokens, lengths, 1 + k, device) for tokens, lengths in columns]


def real_batches(captions: RealCaptions, k: int, images: int, device: str) -> list[Batch]:
    """Batches of photos' captions, with ``k`` captions of other photos for each, drawn uniformly."""
    draw, batches = np.random.default_rng(0), []
    for _ in range(BATCHES):
        photos = draw.choice(len(captions.texts), images, replace=False)
        sets = [captions.of_images(photos), *(captions.of_other_images(photos, draw) for _ in range(k))]
        batches.append(Batch.make(*padded([words for one in sets for words in one]), 1 + k, device))
    return batches


def save_batches(batches: list[Batch], path: Path) -> None:
    """Write the captions of batches for ``load_batches`` in another process."""
    torch.save([(batch.tokens.cpu(), batch.lengths.cpu(), batch.sets) for batch in batches], path)


def load_batches(path: Path, device: str) -> list[Batch]:
    """Read the batches that ``save_batches`` wrote."""
    return [Batch.make(*parts, device=device) for parts in torch.load(path, weights_only=True)]
