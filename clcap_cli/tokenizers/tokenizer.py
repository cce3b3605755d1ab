"""The interface of tokenizers, which convert between the text of a caption and token ids."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.digests import digest_of_json


class Tokenizer(ABC):
    """Conversion of captions to sequences of token ids, without start and end tokens, and back."""

    kind: ClassVar[str]
    """Name of the kind of tokenizer in records."""
    size: int
    """Number of tokens that a captioner can predict, with ids 0 to size - 1."""
    start: int
    """Id of the start token, a captioner's first input; if it is ``size`` or more, it is never predicted."""
    end: int
    """Id of the end token."""
    unknown: int | None
    """Id of the token for unknown words; None for tokenizers that can encode any text."""
    never_generated: tuple[int, ...]
    """Ids that decoding never chooses: the unknown token, padding and the like."""

    @abstractmethod
    def encode(self, caption: str) -> list[int]:
        """Encode a caption as token ids, of any number, without start and end tokens."""

    @abstractmethod
    def decode(self, tokens: Iterable[int]) -> str:
        """Decode token ids, without start and end tokens, to a caption."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """JSON data from which the tokenizer can be rebuilt, with its ``kind`` under the key "kind"."""

    @cached_property
    def id(self) -> str:
        """Digest of the record; equal for equal tokenizers."""
        return digest_of_json(self.record())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __len__(self) -> int:
        return self.size


@dataclass(frozen=True)
class EncodedCaptions:
    """Captions as token ids."""

    tokens: np.ndarray
    """Token ids: (captions, longest) int32, padded with the end token."""
    lengths: np.ndarray
    """Number of tokens of each caption, without the end token: (captions,) int32."""

    def truncated(self, longest: int | None) -> "EncodedCaptions":
        """The captions, truncated to ``longest`` tokens; None does not truncate."""
        if longest is None or longest >= self.longest:
            return self
        return EncodedCaptions(self.tokens[:, :longest], np.minimum(self.lengths, longest).astype(np.int32))

    @property
    def longest(self) -> int:
        """Maximum number of tokens of a caption in this array."""
        return self.tokens.shape[1]


def encode_captions(captions: Sequence[str], tokenizer: Tokenizer, longest: int | None = None) -> EncodedCaptions:
    """Encode captions, truncated to ``longest`` tokens, or to one more than the maximum of all models if it is None."""
    encoded = [tokenizer.encode(caption)[: longest or MAX_WORDS + 1] for caption in captions]
    lengths = np.array([len(ids) for ids in encoded], dtype=np.int32)
    tokens = np.full((len(encoded), longest or max(1, *lengths.tolist(), 1)), tokenizer.end, dtype=np.int32)
    tokens[np.arange(tokens.shape[1]) < lengths[:, None]] = [id for ids in encoded for id in ids]
    return EncodedCaptions(tokens, lengths)
