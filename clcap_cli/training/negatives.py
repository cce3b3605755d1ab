"""Mismatched captions: for each matched pair (c, I), captions that describe other images (Dai & Lin 2017)."""

import numpy as np

from clcap_cli.errors import ClcapError
from clcap_cli.training.data import CaptionSplit

TRIES = 100


class NegativeSampler:
    """Draws captions of other images of the split, each equally likely.

    A caption that reads the same as one of the image's own is true of it, and never serves as its negative.
    """

    def __init__(self, split: CaptionSplit):
        self.owner = split.owner
        together = np.column_stack([split.tokens[split.caption], split.lengths[split.caption]])
        _, self.text = np.unique(together, axis=0, return_inverse=True)
        self.texts = int(self.text.max()) + 1
        self.own = np.unique(self._pair(self.owner, self.text))

    def draw(self, numbers: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
        """For each caption of ``numbers`` (P,), a mismatched one for its image, K times anew: (K, P) caption numbers.

        Raises ClcapError for a K below 1, and when the split holds no caption that is not also the image's own.
        """
        if k < 1:
            raise ClcapError(f"k is {k}; there must be at least one set of mismatched captions")
        image = np.broadcast_to(self.owner[numbers], (k, len(numbers)))
        drawn = rng.integers(len(self.owner), size=image.shape)
        for _ in range(TRIES):
            wrong = self._is_own(self._pair(image, self.text[drawn]))
            if not wrong.any():
                return drawn
            drawn[wrong] = rng.integers(len(self.owner), size=int(wrong.sum()))
        raise ClcapError("no mismatched captions can be drawn: nearly all captions of the split read the same")

    def _is_own(self, pairs: np.ndarray) -> np.ndarray:
        """Which pairs of image and text are among the split's own; these are sorted, so that it is a search."""
        place = np.searchsorted(self.own, pairs)
        return self.own[np.minimum(place, len(self.own) - 1)] == pairs

    def _pair(self, image: np.ndarray, text: np.ndarray) -> np.ndarray:
        return image.astype(np.int64) * self.texts + text
