"""Human-written captions of the photos of COCO train2014, as token ids of a vocabulary of standard size."""

from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np
import torch
from torch import Tensor

from clcap_cli.tokenizers.words import SPECIAL_TOKENS, WordTokenizer
from tests.benchmarks.coco_sample import CAPTIONS_OF_IMAGE, coco_captions, training_captions
from tests.benchmarks.measure import LONGEST, VOCABULARY


class RealCaptions:
    """Five captions of each image, cut after ``LONGEST`` words; rare words are unknown tokens."""

    def __init__(self, texts: Sequence[Sequence[str]]):
        self.texts = texts

    @classmethod
    def of_coco(cls) -> Self:
        """The captions of COCO train2014."""
        return cls(coco_captions())

    @cached_property
    def tokenizer(self) -> WordTokenizer:
        """The vocabulary of the frequent words, at most as many as a model of standard size has."""
        frequent = training_captions([text for texts in self.texts for text in texts]).tokenizer.words
        return WordTokenizer(frequent[: VOCABULARY - len(SPECIAL_TOKENS)])

    def of_images(self, images: Sequence[int] | np.ndarray) -> list[list[int]]:
        """All captions of the images at these positions, image after image."""
        return [self.tokenizer.encode(text)[:LONGEST] for image in images for text in self.texts[image]]

    def of_other_images(self, images: Sequence[int] | np.ndarray, draw: np.random.Generator) -> list[list[int]]:
        """For each caption of each image, a caption that is drawn uniformly from those of all other images."""
        own = np.repeat(images, CAPTIONS_OF_IMAGE)
        others = (own + draw.integers(1, len(self.texts), len(own))) % len(self.texts)
        numbers = draw.integers(CAPTIONS_OF_IMAGE, size=len(own))
        pairs = zip(others.tolist(), numbers.tolist(), strict=True)
        return [self.tokenizer.encode(self.texts[image][number])[:LONGEST] for image, number in pairs]


def padded(captions: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Captions as (B, T) tokens with zeros after the end, and their lengths (B,)."""
    rows = [torch.tensor(words, dtype=torch.int64) for words in captions]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])
