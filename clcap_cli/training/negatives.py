"""Mismatched pairs: captions paired with images that they do not describe (Dai & Lin 2017)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from clcap_cli.console import print_info
from clcap_cli.errors import ClcapError
from clcap_cli.training.data import CaptionSplit

MAX_ATTEMPTS = 100


@dataclass(frozen=True)
class MismatchedBatch:
    """A batch of images, with K mismatched captions for each of their captions."""

    positions: np.ndarray
    """(n,) indices of the images."""
    negatives: np.ndarray
    """(K, P) indices of mismatched captions, for the P captions of the images."""
    pool_rows: np.ndarray | None = None
    """(K, P) rows of the mismatched captions in their image's pool; None without a pool."""

    def part(self, images: slice, captions: np.ndarray) -> Self:
        """The part of the batch with these images, and with their captions, given as a mask (P,)."""
        pool_rows = None if self.pool_rows is None else self.pool_rows[:, captions]
        return replace(
            self, positions=self.positions[images], negatives=self.negatives[:, captions], pool_rows=pool_rows
        )


class NegativeSampler:
    """Draws captions of other images of the split.

    A caption with the same text as one of the image's own captions describes the image, and is never its negative.
    """

    def __init__(self, split: CaptionSplit, nearest: np.ndarray | None = None, nearest_share: float = 0.0):
        """Draw uniformly from all captions, or with probability ``nearest_share`` from a random similar image.

        ``nearest`` (images, M) are the indices of the M most similar images of each image.
        """
        self.split = split
        self.nearest = nearest if nearest is not None and nearest.size else None
        self.nearest_share = 0.0 if self.nearest is None else nearest_share
        rows = np.column_stack([split.tokens[split.caption_rows], split.lengths[split.caption_rows]])
        _, self.text_ids = np.unique(rows, axis=0, return_inverse=True)
        self.num_texts = int(self.text_ids.max()) + 1
        self.matched_pairs = np.unique(self._pair_ids(split.image_of_caption, self.text_ids))
        self.num_drawn = 0
        """Number of negatives drawn so far."""
        self.num_redrawn = 0
        """Number of draws rejected because the caption's text is also a caption of the image."""

    def draw(self, caption_indices: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
        """Draw K mismatched captions for the image of each caption of ``caption_indices`` (P,): (K, P) caption indices.

        Raises ClcapError for K below 1, and if every caption of the split describes the image.
        """
        image = np.broadcast_to(self.split.image_of_caption[caption_indices], (k, len(caption_indices)))
        return self._draw_until_valid(
            image, rng, lambda drawn: self._is_matched(self._pair_ids(image, self.text_ids[drawn]))
        )

    def mismatched(self, batches: Sequence[np.ndarray], k: int, rng: np.random.Generator) -> list[MismatchedBatch]:
        """Batches with mismatched captions drawn for the images of ``batches``; raises ClcapError like ``draw``."""
        return [
            MismatchedBatch(positions, self.draw(self.split.captions_of_images(positions)[0], k, rng))
            for positions in batches
        ]

    def draw_images(self, positions: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
        """Draw K other images that share no caption text with each image of ``positions`` (n,): (K, n) image indices.

        The probability of an image is proportional to its number of captions. Raises ClcapError like ``draw``.
        """
        caption_indices, image_index = self.split.captions_of_images(positions)
        first = np.searchsorted(image_index, np.arange(len(positions)))

        def shares_a_caption(drawn: np.ndarray) -> np.ndarray:
            pairs = self._pair_ids(self.split.image_of_caption[drawn][:, image_index], self.text_ids[caption_indices])
            return np.logical_or.reduceat(self._is_matched(pairs), first, axis=1)

        image = np.broadcast_to(positions, (k, len(positions)))
        return self.split.image_of_caption[self._draw_until_valid(image, rng, shares_a_caption)]

    def describes(self, caption_indices: np.ndarray, image: int) -> np.ndarray:
        """Whether each caption has the text of one of the image's own captions."""
        return self._is_matched(self._pair_ids(np.array(image), self.text_ids[caption_indices]))

    def num_mismatched(self) -> np.ndarray:
        """(images,) number of captions that can be negatives of each image."""
        image, text = np.divmod(self.matched_pairs, self.num_texts)
        matched = np.bincount(image, weights=np.bincount(self.text_ids)[text])
        return len(self.text_ids) - matched.astype(np.int64)

    def similar_captions(self, image: int) -> np.ndarray:
        """Indices of all captions of the images most similar to ``image``."""
        similar = np.empty(0, dtype=np.int64) if self.nearest is None else self.nearest[image]
        return self.split.captions_of_images(similar)[0]

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Do not count the draws of the block."""
        before = self.num_drawn, self.num_redrawn
        try:
            yield
        finally:
            self.num_drawn, self.num_redrawn = before

    def report(self, resumed_at: str = "") -> None:
        """Print how many draws were rejected, if any; ``resumed_at`` is where a resumed run continued."""
        if self.num_redrawn:
            since = f" since the run was resumed at {resumed_at}" if resumed_at else ""
            print_info(
                f"negatives{since}: {self.num_drawn} drawn, {self.num_redrawn} rejected and drawn again, because they "
                "equal a caption of the image"
            )

    def _draw_until_valid(
        self, image: np.ndarray, rng: np.random.Generator, is_invalid: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Draw a caption index for each of the images (K, …), and draw again while invalid."""
        if len(image) < 1:
            raise ClcapError(f"k is {len(image)}, but must be at least 1")
        drawn = self._candidates(image, rng, ignore_nearest=False)
        self.num_drawn += drawn.size
        for attempt in range(MAX_ATTEMPTS):
            invalid = is_invalid(drawn)
            if not invalid.any():
                return drawn
            self.num_redrawn += int((self.split.image_of_caption[drawn[invalid]] != image[invalid]).sum())
            # If the similar images have hardly any other captions, captions of all images are drawn.
            drawn[invalid] = self._candidates(image[invalid], rng, ignore_nearest=attempt >= MAX_ATTEMPTS // 2)
        raise ClcapError(
            f"no mismatched captions can be drawn from split '{self.split.name}', {len(self.split)} images: "
            "nearly all their captions are equal, or there is only one image"
        )

    def _candidates(self, image: np.ndarray, rng: np.random.Generator, ignore_nearest: bool) -> np.ndarray:
        """A random caption index for each of the images, in the same shape; it may be one of the image's own."""
        drawn = rng.integers(len(self.split.image_of_caption), size=image.shape)
        if self.nearest is None or ignore_nearest:
            return drawn
        neighbours = self.nearest[image, rng.integers(self.nearest.shape[1], size=image.shape)]
        first, end = self.split.first_captions[neighbours], self.split.first_captions[neighbours + 1]
        return np.where(rng.random(image.shape) < self.nearest_share, rng.integers(first, end), drawn)

    def _is_matched(self, pairs: np.ndarray) -> np.ndarray:
        """Whether each pair of image and text is in the split, by binary search in the sorted pairs."""
        position = np.searchsorted(self.matched_pairs, pairs)
        return self.matched_pairs[np.minimum(position, len(self.matched_pairs) - 1)] == pairs

    def _pair_ids(self, image: np.ndarray, text_ids: np.ndarray) -> np.ndarray:
        return image.astype(np.int64) * self.num_texts + text_ids
