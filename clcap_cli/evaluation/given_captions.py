"""Captions given as text: those of the images of captions.h5, encoded with the tokenizer of a model."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.results import CaptionResults
from clcap_cli.datasets.image_matching import ImageMatching, match_images
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError
from clcap_cli.tokenizers.tokenizer import Tokenizer, encode_captions


@dataclass(frozen=True)
class GivenCaptions:
    """C captions as tokens on a device."""

    tokens: Tensor
    """(C, T) int64, padded with the end token."""
    lengths: Tensor
    """(C,) int64 number of tokens without the end token."""
    unknown: int
    """Number of words that became the unknown token."""

    @property
    def note(self) -> str:
        """A warning about unknown words; empty if there are none."""
        if not self.unknown:
            return ""
        total = int(self.lengths.sum())
        return f"{self.unknown} of {total} words are not in the model's vocabulary and count as the unknown token"


def match_given(given: CaptionResults, captions: Captions) -> ImageMatching:
    """The image of captions.h5 for each image with a given caption."""
    names = dict(zip(captions.image_ids, captions.file_names, strict=True))
    given_names = {id: given.file_names.get(id) for id in given.captions}
    return match_images(given_names, names, (str(given.path), str(captions.path)))


def captions_of_images(
    given: CaptionResults, captions: Captions, ids: Sequence[ImageId]
) -> tuple[list[str], Counter[str]]:
    """The given caption of each image of captions.h5 in ``ids``, and the numbers of images by what they matched by.

    Raises ClcapError if an image has none or several.
    """
    texts, matching = given.single_captions(), match_given(given, captions)
    given_id = {other: own for own, other in matching.pairs.items()}
    missing = [id for id in ids if id not in given_id]
    if missing:
        raise ClcapError(
            f"{given.path} has no caption for {len(missing)} of the {len(ids)} images in the pool "
            f"(the first: {missing[0]}); give captions of the same split, or leave these images out with --only-common"
        )
    return [texts[given_id[id]] for id in ids], Counter(matching.ways[given_id[id]] for id in ids)


def encode_given_captions(texts: Sequence[str], tokenizer: Tokenizer, device: torch.device) -> GivenCaptions:
    """Encode captions of any length and move them to ``device``."""
    encoded = encode_captions(texts, tokenizer)
    unknown = 0 if tokenizer.unknown is None else int((encoded.tokens == tokenizer.unknown).sum())
    tokens, lengths = (torch.from_numpy(array).long().to(device) for array in (encoded.tokens, encoded.lengths))
    return GivenCaptions(tokens, lengths, unknown)
