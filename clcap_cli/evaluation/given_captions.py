"""Captions given as text, encoded with the tokenizer of a model."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

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


def encode_given_captions(texts: Sequence[str], tokenizer: Tokenizer, device: torch.device) -> GivenCaptions:
    """Encode captions of any length and move them to ``device``."""
    encoded = encode_captions(texts, tokenizer)
    unknown = 0 if tokenizer.unknown is None else int((encoded.tokens == tokenizer.unknown).sum())
    tokens, lengths = (torch.from_numpy(array).long().to(device) for array in (encoded.tokens, encoded.lengths))
    return GivenCaptions(tokens, lengths, unknown)
