"""Captions that are given as text, as the tokens of a model."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from clcap_cli.tokenizers.tokenizer import Tokenizer, encode_captions


@dataclass(frozen=True)
class GivenCaptions:
    """C captions as tokens."""

    tokens: Tensor
    """(C, T) int64, the end token after a caption's end."""
    lengths: Tensor
    """(C,) int64, tokens; the end token not counted."""
    unknown: int
    """Number of words that count as the unknown token."""

    @property
    def note(self) -> str:
        """A sentence on the unknown words; empty where there are none."""
        if not self.unknown:
            return ""
        total = int(self.lengths.sum())
        return f"{self.unknown} of {total} words are not in the model's vocabulary and count as the unknown token"


def encode_texts(texts: Sequence[str], tokenizer: Tokenizer, device: torch.device) -> GivenCaptions:
    """The tokens of captions, uncut, on ``device``."""
    encoded = encode_captions(texts, tokenizer)
    unknown = 0 if tokenizer.unknown is None else int((encoded.tokens == tokenizer.unknown).sum())
    tokens, lengths = (torch.from_numpy(array).long().to(device) for array in (encoded.tokens, encoded.lengths))
    return GivenCaptions(tokens, lengths, unknown)
