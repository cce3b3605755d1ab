"""A split's images as a model sees them, and its captions as tensors."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.features import Features
from clcap_cli.models.captioner import Captioner
from clcap_cli.models.rows import ImageFeatures


@dataclass(frozen=True)
class CaptionBatch:
    """B captions and which image each is put with."""

    captions: Tensor
    """(B, T) int64."""
    lengths: Tensor
    """(B,) int64."""
    image: Tensor
    """(B,) int64: row in the batch of images."""


class FeatureReader:
    """Features of the images of one split, read from the memory map batch by batch."""

    def __init__(self, features: Features, ids: list, model: Captioner):
        self.features = features
        self.rows = features.rows_of(ids)
        self.uses_grid = model.uses_grid
        self.device = next(model.parameters()).device

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, positions: np.ndarray) -> ImageFeatures:
        """The features of the images at ``positions`` of the split."""
        rows = self.rows[positions]
        pooled = self._tensor(self.features.pooled[rows])
        grid = self._tensor(self.features.grid[rows]) if self.uses_grid else pooled.new_zeros(len(rows), 0, 0)
        return ImageFeatures(pooled, grid)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self.device)


class CaptionSplit:
    """The captions of one split; images are known by their position in it."""

    def __init__(self, captions: Captions, split: str, device: torch.device):
        self.device = device
        self.rows = captions.rows_of(split)
        self.ids = [captions.image_ids[row] for row in self.rows]
        self.tokens, self.lengths = captions.tokens, captions.lengths
        counts = captions.starts[self.rows + 1] - captions.starts[self.rows]
        self.caption = _ranges(captions.starts[self.rows], counts)
        """(captions of the split,) row in captions.h5, by image."""
        self.owner = np.repeat(np.arange(len(self.rows)), counts)
        """(captions of the split,) position of the image that the caption belongs to."""
        self.starts = np.concatenate([[0], np.cumsum(counts)])

    def __len__(self) -> int:
        return len(self.rows)

    def of_images(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All captions of these images, image by image: their numbers within the split, and which of ``positions``."""
        first = self.starts[positions]
        counts = self.starts[positions + 1] - first
        return _ranges(first, counts), np.repeat(np.arange(len(positions)), counts)

    def batch(self, numbers: np.ndarray, image: np.ndarray) -> CaptionBatch:
        """The captions with these ``numbers``, each put with the batch's image at ``image``; cut to the longest."""
        rows = self.caption[numbers]
        lengths = self.lengths[rows]
        tokens = self.tokens[rows, : max(int(lengths.max()), 1)]
        arrays = (tokens, lengths, image)
        return CaptionBatch(*(torch.from_numpy(array.astype(np.int64)).to(self.device) for array in arrays))


def image_batches(images: int, size: int, seed: tuple[int, ...] | None) -> list[np.ndarray]:
    """All positions in batches of ``size``: in random order by ``seed``, or in order where it is None."""
    order = np.arange(images) if seed is None else np.random.default_rng(seed).permutation(images)
    return [order[first : first + size] for first in range(0, images, size)]


def _ranges(firsts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The numbers firsts[0], …, firsts[0] + counts[0] - 1, firsts[1], … in one array."""
    before = np.cumsum(counts) - counts
    return np.repeat(firsts - before, counts) + np.arange(counts.sum())
