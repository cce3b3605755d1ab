"""Mismatched pairs: for each matched pair (c, I), captions or images that do not belong to it (Dai & Lin 2017)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from clcap_cli.console import say
from clcap_cli.errors import ClcapError
from clcap_cli.training.data import CaptionSplit

TRIES = 100


@dataclass(frozen=True)
class MismatchedBatch:
    """A batch's images, and for each of its captions K mismatched ones."""

    positions: np.ndarray
    """(n,) images of the split."""
    negatives: np.ndarray
    """(K, P) caption numbers of the split, P being the captions of the images."""


class NegativeSampler:
    """Draws captions of other images of the split.

    A caption that reads the same as one of the image's own is true of it, and never serves as its negative.
    """

    def __init__(self, split: CaptionSplit, nearest: np.ndarray | None = None, share_nearest: float = 0.0):
        """All captions are equally likely; ``share_nearest`` of them are of one of the image's look-alikes instead.

        ``nearest`` is (images, M): the look-alikes' positions in the split.
        """
        self.split, self.share_nearest = split, share_nearest
        self.nearest = nearest if nearest is not None and nearest.size else None
        together = np.column_stack([split.tokens[split.caption], split.lengths[split.caption]])
        _, self.text = np.unique(together, axis=0, return_inverse=True)
        self.texts = int(self.text.max()) + 1
        self.own = np.unique(self._pair(split.owner, self.text))
        self.drawn = 0
        """Negatives drawn so far."""
        self.avoided = 0
        """How often one was drawn again because, though of another image, it was true of this one."""

    def draw(self, numbers: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
        """For each caption of ``numbers`` (P,), a mismatched one for its image, K times anew: (K, P) caption numbers.

        Raises ClcapError for a K below 1, and when the split holds no caption that is not also the image's own.
        """
        image = np.broadcast_to(self.split.owner[numbers], (k, len(numbers)))
        return self._until_right(image, rng, lambda drawn: self._is_own(self._pair(image, self.text[drawn])))

    def mismatched(self, batches: Sequence[np.ndarray], k: int, rng: np.random.Generator) -> list[MismatchedBatch]:
        """Batches of images with captions drawn for them; raises ClcapError as ``draw`` does."""
        return [
            MismatchedBatch(positions, self.draw(self.split.captions_of_images(positions)[0], k, rng))
            for positions in batches
        ]

    def draw_images(self, positions: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
        """For each image of ``positions`` (n,), K others of which none of its captions is true: (K, n) positions.

        An image is the likelier the more captions it has. Raises ClcapError as ``draw`` does.
        """
        numbers, which = self.split.captions_of_images(positions)
        first = np.searchsorted(which, np.arange(len(positions)))

        def shares_a_caption(drawn: np.ndarray) -> np.ndarray:
            pairs = self._pair(self.split.owner[drawn][:, which], self.text[numbers])
            return np.logical_or.reduceat(self._is_own(pairs), first, axis=1)

        image = np.broadcast_to(positions, (k, len(positions)))
        return self.split.owner[self._until_right(image, rng, shares_a_caption)]

    def report(self) -> None:
        """Say how many were drawn again, if any."""
        if self.avoided:
            say(
                f"negatives: {self.drawn} drawn; {self.avoided} times one read like a caption of the image itself "
                "and was drawn again"
            )

    def _until_right(
        self, image: np.ndarray, rng: np.random.Generator, is_wrong: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Caption numbers for these images (K, …), drawn again where they are wrong."""
        if len(image) < 1:
            raise ClcapError(f"k is {len(image)}; there must be at least one set of mismatched captions")
        drawn = self._candidates(image, rng, anywhere=False)
        self.drawn += drawn.size
        for attempt in range(TRIES):
            wrong = is_wrong(drawn)
            if not wrong.any():
                return drawn
            self.avoided += int((self.split.owner[drawn[wrong]] != image[wrong]).sum())
            # Where the look-alikes' captions are hardly ever wrong for the image, any other image will do.
            drawn[wrong] = self._candidates(image[wrong], rng, anywhere=attempt >= TRIES // 2)
        raise ClcapError(
            f"no mismatched captions can be drawn from split '{self.split.name}', {len(self.split)} images: "
            "nearly all their captions read the same, or there is only one image"
        )

    def _candidates(self, image: np.ndarray, rng: np.random.Generator, anywhere: bool) -> np.ndarray:
        """A caption number for each of the images, of any shape; it may be one of the image's own."""
        drawn = rng.integers(len(self.split.owner), size=image.shape)
        if self.nearest is None or anywhere:
            return drawn
        close = self.nearest[image, rng.integers(self.nearest.shape[1], size=image.shape)]
        first, end = self.split.starts[close], self.split.starts[close + 1]
        return np.where(rng.random(image.shape) < self.share_nearest, rng.integers(first, end), drawn)

    def _is_own(self, pairs: np.ndarray) -> np.ndarray:
        """Which pairs of image and text are among the split's own; these are sorted, so that it is a search."""
        place = np.searchsorted(self.own, pairs)
        return self.own[np.minimum(place, len(self.own) - 1)] == pairs

    def _pair(self, image: np.ndarray, text: np.ndarray) -> np.ndarray:
        return image.astype(np.int64) * self.texts + text
