"""What quality scores do not see: whether captions differ, from each other and from what was seen in training.

``docs/metrics.md`` has the formulas and sources side by side.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

import numpy as np

from clcap_cli.datasets.text import words_of
from clcap_cli.metrics.cider import CiderD
from clcap_cli.tokenizers.words import WordTokenizer

SIMILAR = 5
"""Images that a caption's neighbours are taken from, as in Wang et al. 2020."""
BANDS = (100, 1000)
"""Ranks of training words at which a band of frequency ends."""


def repeated_bigrams(caption: str) -> float:
    """The share of a tokenised caption's pairs of neighbouring words that it has already: 0 for none.

    1 - different bigrams / bigrams, which Welleck et al. 2020 call seq-rep-2.
    """
    pairs = list(pairwise(caption.split()))
    return 1 - len(set(pairs)) / len(pairs) if pairs else 0.0


def training_texts(captions: Iterable[str]) -> set[str]:
    """Training captions in the form in which ``novel`` compares."""
    return {" ".join(words_of(text)) for text in captions}


def novel(caption: str, training: Collection[str]) -> int:
    """1 if a caption is none of the training captions, else 0, by words (van Miltenburg et al. 2018)."""
    return int(" ".join(words_of(caption)) not in training)


def frequency_bands(caption: str, training: WordTokenizer) -> list[int]:
    """How many of a caption's words are among the 100 most frequent of training, the next 900, and the rest.

    Rare words are where likelihood-trained captioners are poor (Honda et al. 2023).
    """
    found = [training.rank(token) for token in training.encode(caption)]
    ranks = [len(training) if rank is None else rank for rank in found]
    ends = np.searchsorted(BANDS, ranks, side="right")
    return np.bincount(ends, minlength=len(BANDS) + 1).tolist()


def cider_between(
    captions: Sequence[str],
    references: Sequence[Sequence[str]],
    similar: Sequence[Sequence[int]],
    corpus: Sequence[Sequence[str]] | None,
) -> np.ndarray:
    """(images,) CIDErBtw (Wang et al. 2020): CIDEr-D of a caption against the references of images like its own.

    From 0 to 10; the lower, the more a caption says what is special about its image. The paper finds similar images
    by a retrieval model; here they are those with the nearest pooled features.
    """
    return CiderD(captions, references, corpus, against=similar).each()
