"""A split's captions as tensors, and its images in batches."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.captions import Captions
from clcap_cli.datasets.records import ImageId
from clcap_cli.features.source import split_into_blocks
from clcap_cli.models.rows import Rows
from clcap_cli.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True)
class CaptionBatch(Rows):
    """B captions and which image each is put with."""

    captions: Tensor
    """(B, T) int64."""
    lengths: Tensor
    """(B,) int64."""
    image: Tensor
    """(B,) int64: row in the batch of images."""


class CaptionSplit:
    """The captions of one split; images are known by their position in it."""

    def __init__(
        self,
        captions: Captions,
        split: str,
        device: torch.device,
        skipped: Collection[ImageId] = (),
        tokenizer: Tokenizer | None = None,
        longest: int | None = None,
    ):
        """Captions as tokens of ``tokenizer``, or as the words that captions.h5 has; cut at ``longest`` tokens.

        Images in ``skipped`` are left out. Raises ClcapError when the split has no images.
        """
        self.source, self.name, self.device = captions, split, device
        self.tokenizer = tokenizer or captions.tokenizer
        encoded = captions.encoded_with(self.tokenizer, longest)
        self.rows = captions.rows_of(split, skipped)
        self.ids = captions.ids_of(self.rows)
        self.tokens, self.lengths = encoded.tokens, encoded.lengths
        counts = captions.caption_starts[self.rows + 1] - captions.caption_starts[self.rows]
        self.caption = _ranges(captions.caption_starts[self.rows], counts)
        """(captions of the split,) row in captions.h5, by image."""
        self.owner = np.repeat(np.arange(len(self.rows)), counts)
        """(captions of the split,) position of the image that the caption belongs to."""
        self.starts = np.concatenate([[0], np.cumsum(counts)])

    def __len__(self) -> int:
        return len(self.rows)

    def captions_of_images(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All captions of these images, image by image: their numbers within the split, and which of ``positions``."""
        first = self.starts[positions]
        counts = self.starts[positions + 1] - first
        return _ranges(first, counts), np.repeat(np.arange(len(positions)), counts)

    def words(self, numbers: np.ndarray) -> np.ndarray:
        """How many tokens each of these captions has, the end token included."""
        return self.lengths[self.caption[numbers]] + 1

    def batch(self, numbers: np.ndarray, image: np.ndarray) -> CaptionBatch:
        """The captions with these ``numbers``, each put with the batch's image at ``image``; cut to the longest."""
        rows = self.caption[numbers]
        lengths = self.lengths[rows]
        tokens = self.tokens[rows, : max(int(lengths.max()), 1)]
        arrays = (tokens, lengths, image)
        return CaptionBatch(*(torch.from_numpy(array.astype(np.int64)).to(self.device) for array in arrays))


def shuffled_batches(images: int, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """All positions of ``images`` images in random order, ``size`` at a time."""
    return split_into_blocks(rng.permutation(images), size)


def split_by_tokens(image: np.ndarray, words: np.ndarray, max_tokens: int | None) -> list[slice]:
    """A batch's images in pieces, each of as many as have at most ``max_tokens`` words together, but at least one.

    ``image`` says which image of the batch each caption belongs to, in order, and ``words`` how many words it brings.
    """
    totals = np.bincount(image, weights=words)
    if max_tokens is None:
        return [slice(0, len(totals))]
    borders, room = [0], max_tokens
    for position, total in enumerate(totals):
        if total > room and position > borders[-1]:
            borders.append(position)
            room = max_tokens
        room -= total
    return [slice(first, last) for first, last in pairwise([*borders, len(totals)])]


def belongs_to(image: np.ndarray, part: slice) -> np.ndarray:
    """Mask of the captions whose image, at ``image`` in the batch, is in ``part``, one slice of ``split_by_tokens``."""
    return (image >= part.start) & (image < part.stop)


def _ranges(firsts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The numbers firsts[0], …, firsts[0] + counts[0] - 1, firsts[1], … in one array."""
    before = np.cumsum(counts) - counts
    return np.repeat(firsts - before, counts) + np.arange(counts.sum())
