"""The attention of captions, collected while they are decoded."""

from collections.abc import Sequence
from itertools import accumulate, repeat

import numpy as np
import torch

from clcap_cli.artifacts.attention import CaptionAttention
from clcap_cli.datasets.records import ImageId
from clcap_cli.decoding.decoded import Decoded
from clcap_cli.models.attending import AttendingCaptioner
from clcap_cli.models.rows import Rows
from clcap_cli.tokenizers.tokenizer import Tokenizer


class AttentionRecorder:
    """Computes the attention of decoded captions, one block of images after the other."""

    def __init__(self, model: AttendingCaptioner, tokenizer: Tokenizer):
        self.model, self.tokenizer = model, tokenizer
        self.captions: list[CaptionAttention] = []
        """The attention of all captions so far, in the order in which they were decoded."""

    def add(self, encoded: Rows, decoded: Decoded) -> None:
        """Add the captions of a block of images, equally many of each image, grouped by image."""
        images = torch.arange(len(encoded), device=decoded.captions.device)
        image_index = images.repeat_interleave(len(decoded) // len(encoded))
        found = self.model.attention_weights(encoded, decoded.captions, decoded.lengths, image_index)
        weights, counts = found.regions.half().cpu().numpy(), found.mask.sum(1).tolist()
        sentinels = repeat(None) if found.sentinel is None else found.sentinel.half().cpu().numpy()
        rows = zip(decoded.captions.tolist(), decoded.lengths.tolist(), weights, counts, sentinels, strict=False)
        for tokens, length, regions, count, sentinel in rows:
            text, ends = text_and_ends(self.tokenizer, tokens[:length])
            own_sentinel = None if sentinel is None else sentinel[:length].copy()
            self.captions.append(CaptionAttention(text, ends, regions[:length, :count].copy(), own_sentinel))

    def by_image(self, ids: Sequence[ImageId]) -> dict[ImageId, list[CaptionAttention]]:
        """The attention of the captions of each image, given the ids of all images in the order of decoding."""
        number = len(self.captions) // max(1, len(ids))
        return {id: self.captions[index * number : (index + 1) * number] for index, id in enumerate(ids)}


def text_and_ends(tokenizer: Tokenizer, tokens: Sequence[int]) -> tuple[str, np.ndarray]:
    """A caption as text, and where each of its T tokens ends in it, (T,) int32.

    A token ends where the text of all tokens up to it stops to agree with the whole text, so that this also holds for
    languages without spaces and for subwords.
    """
    text = tokenizer.decode(tokens)
    starts = (tokenizer.decode(tokens[:number]) for number in range(1, len(tokens) + 1))
    agreeing = (_agreeing_characters(text, start) for start in starts)
    return text, np.array([*accumulate(agreeing, max)], np.int32)


def _agreeing_characters(text: str, start: str) -> int:
    """Number of characters at the start of both texts that are equal."""
    return next(
        (place for place, (one, other) in enumerate(zip(text, start, strict=False)) if one != other), len(start)
    )
