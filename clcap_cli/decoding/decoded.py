"""Decoded captions."""

from dataclasses import dataclass

from torch import Tensor

from clcap_cli.models.rows import Rows
from clcap_cli.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True)
class Decoded(Rows):
    """B decoded captions as tokens."""

    captions: Tensor
    """(B, T) int64 token ids, padded with the end token."""
    lengths: Tensor
    """(B,) int64 numbers of tokens, without the end token."""
    log_probs: Tensor
    """(B,) float32, ln p(c|I), the end token included."""

    def texts(self, tokenizer: Tokenizer) -> list[str]:
        """The captions as text."""
        rows = zip(self.captions.tolist(), self.lengths.tolist(), strict=True)
        return [tokenizer.decode(tokens[:length]) for tokens, length in rows]
