"""The tokenizer interface: between the text of a caption and the numbers that a captioner reads and writes."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from clcap_cli.digests import digest_of_json


class Tokenizer(ABC):
    """Captions as sequences of token ids, without the start and end tokens, and back."""

    kind: ClassVar[str]
    """Under which a record of it is stored."""
    size: int
    """Number of tokens that a captioner can predict: ids 0 to size - 1."""
    start: int
    """Id of the first input; it may be ``size`` or more, and is then never predicted."""
    end: int
    """Id that ends a caption."""
    unknown: int | None
    """Id of everything that has no token of its own; None where there is no such thing."""
    never_generated: tuple[int, ...]
    """Ids that decoding never chooses: the unknown token, padding and the like."""

    @abstractmethod
    def encode(self, caption: str) -> list[int]:
        """Token ids of a caption, of any length, without start and end."""

    @abstractmethod
    def decode(self, tokens: Iterable[int]) -> str:
        """The caption that token ids spell, without start and end."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """Plain data from which the same tokenizer can be built again; its ``kind`` is under "kind"."""

    @cached_property
    def id(self) -> str:
        """Digest of the record: equal for tokenizers that encode alike."""
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
    """(captions, longest) int32; behind the end of a caption, the end token."""
    lengths: np.ndarray
    """(captions,) int32: tokens, the end token not counted."""

    def truncated(self, longest: int | None) -> "EncodedCaptions":
        """The same captions, those of more than ``longest`` tokens cut there; None cuts none."""
        if longest is None or longest >= self.longest:
            return self
        return EncodedCaptions(self.tokens[:, :longest], np.minimum(self.lengths, longest).astype(np.int32))

    @property
    def longest(self) -> int:
        """Most tokens that a caption can have here."""
        return self.tokens.shape[1]


def encode_captions(captions: Sequence[str], tokenizer: Tokenizer, longest: int | None = None) -> EncodedCaptions:
    """Encode captions; those of more than ``longest`` tokens are cut there, None cuts none."""
    encoded = [tokenizer.encode(caption)[:longest] for caption in captions]
    lengths = np.array([len(numbers) for numbers in encoded], dtype=np.int32)
    tokens = np.full((len(encoded), longest or max(1, *lengths.tolist(), 1)), tokenizer.end, dtype=np.int32)
    tokens[np.arange(tokens.shape[1]) < lengths[:, None]] = [number for numbers in encoded for number in numbers]
    return EncodedCaptions(tokens, lengths)
