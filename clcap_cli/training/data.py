"""The captions of a split as tensors, and batches of its images."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from clcap_cli.artifacts.captions import Captions
from clcap_cli.compute.devices import copy_to_device
from clcap_cli.compute.processes import ALONE, Processes
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.features.source import split_into_blocks
from clcap_cli.models.rows import Rows
from clcap_cli.tokenizers.tokenizer import Tokenizer

MIXED_PARTS = 32
"""Maximum number of parts of a storage whose images are shuffled together."""


@dataclass(frozen=True)
class CaptionBatch(Rows):
    """B captions, each paired with an image of a batch."""

    captions: Tensor
    """(B, T) int64 token ids."""
    lengths: Tensor
    """(B,) int64 numbers of tokens, without the end token."""
    image_index: Tensor
    """(B,) int64 row of the caption's image in the batch of images."""


class CaptionSplit:
    """The captions of one split. Images and captions are identified by their index within the split."""

    def __init__(
        self,
        captions: Captions,
        split: str,
        device: torch.device,
        skipped: Collection[ImageId] = (),
        tokenizer: Tokenizer | None = None,
        max_tokens: int | None = None,
    ):
        """Captions are token ids of ``tokenizer``, by default of captions.h5, cut after ``max_tokens`` tokens.

        Images in ``skipped`` are left out. Raises ClcapError if the split has no images.
        """
        self.source, self.name, self.device = captions, split, device
        self.tokenizer = tokenizer or captions.tokenizer
        encoded = captions.encoded_with(self.tokenizer, max_tokens)
        self.image_rows = captions.rows_of(split, skipped)
        self.ids = captions.ids_of(self.image_rows)
        self.tokens, self.lengths = encoded.tokens, encoded.lengths
        counts = captions.caption_starts[self.image_rows + 1] - captions.caption_starts[self.image_rows]
        if not counts.all():
            raise ClcapError(f"{captions.path}: images of split '{split}' have no captions; training needs them")
        self.caption_rows = _expand_ranges(captions.caption_starts[self.image_rows], counts)
        """(captions of the split,) row in captions.h5, grouped by image."""
        self.image_of_caption = np.repeat(np.arange(len(self.image_rows)), counts)
        """(captions of the split,) index of the caption's own image."""
        self.first_captions = np.concatenate([[0], np.cumsum(counts)])

    def __len__(self) -> int:
        return len(self.image_rows)

    def captions_of_images(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Indices of all captions of the images at ``positions``, grouped by image, and the image of each caption.

        The image is an index into ``positions``.
        """
        first = self.first_captions[positions]
        counts = self.first_captions[positions + 1] - first
        return _expand_ranges(first, counts), np.repeat(np.arange(len(positions)), counts)

    def token_counts(self, caption_indices: np.ndarray) -> np.ndarray:
        """Number of tokens of each caption, the end token included."""
        return self.lengths[self.caption_rows[caption_indices]] + 1

    def batch(self, caption_indices: np.ndarray, image_index: np.ndarray) -> CaptionBatch:
        """The captions ``caption_indices``, each paired with the batch's image ``image_index``."""
        rows = self.caption_rows[caption_indices]
        lengths = self.lengths[rows]
        tokens = self.tokens[rows, : max(int(lengths.max()), 1)]
        arrays = (tokens, lengths, image_index)
        return CaptionBatch(*(copy_to_device(array.astype(np.int64), self.device) for array in arrays))


def shuffled_batches(
    images: int, size: int, rng: np.random.Generator, parts: np.ndarray | None = None
) -> list[np.ndarray]:
    """Indices of ``images`` images in random order, in batches of ``size``.

    ``parts``, (images,), is the part of the storage in which each image is, if images of a part should be read soon
    after each other: parts are shuffled and grouped, and then the images of each group are shuffled. All images are
    shuffled together if the parts are at most ``MIXED_PARTS``.
    """
    order = rng.permutation(images) if parts is None else _mixed_order(parts, rng)
    return split_into_blocks(order, size)


def _mixed_order(parts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random order of images in which those of at most ``MIXED_PARTS`` parts come before those of the next."""
    names, part_of_image = np.unique(parts, return_inverse=True)
    number_of_groups = -(-len(names) // MIXED_PARTS)
    if number_of_groups == 1:
        return rng.permutation(len(parts))
    groups = rng.permutation(len(names)) * number_of_groups // len(names)
    return np.lexsort((rng.random(len(parts)), groups[part_of_image]))


def split_by_tokens(
    image_index: np.ndarray, token_counts: np.ndarray, max_tokens: int | None, among: Processes = ALONE
) -> list[slice]:
    """Split a batch's images into slices with at most ``max_tokens`` tokens, but at least one image, each.

    ``image_index`` is the batch's image of each caption, in ascending order, and ``token_counts`` the caption's number
    of tokens. Of several processes, each gets the slices of its own share of the images, which may be none.
    """
    totals = np.bincount(image_index, weights=token_counts)
    own = among.share(range(len(totals)))
    if max_tokens is None or not own:
        return [slice(own[0], own[-1] + 1)] if own else []
    starts, remaining = [own[0]], max_tokens
    for position in own:
        if totals[position] > remaining and position > starts[-1]:
            starts.append(position)
            remaining = max_tokens
        remaining -= totals[position]
    return [slice(first, last) for first, last in pairwise([*starts, own[-1] + 1])]


def belongs_to(image_index: np.ndarray, part: slice) -> np.ndarray:
    """Mask of the captions whose image index is in ``part``, a slice of ``split_by_tokens``."""
    return (image_index >= part.start) & (image_index < part.stop)


def _expand_ranges(firsts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The ranges firsts[i], …, firsts[i] + counts[i] - 1 of all i in one array."""
    before = np.cumsum(counts) - counts
    return np.repeat(firsts - before, counts) + np.arange(counts.sum())
