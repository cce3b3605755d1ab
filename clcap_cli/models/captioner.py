"""The captioner interface: everything that training, decoding and retrieval ask of a model p(c|I)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Generic, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn

from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.models.rows import ImageFeatures, Rows

DropoutRate = Annotated[float, Field(ge=0, lt=1)]
Size = Annotated[int, Field(ge=1, le=2**24)]
"""Of a file's network; beyond these a product of sizes could be no number any more."""
Token = Annotated[int, Field(ge=0, le=2**24)]


@dataclass(frozen=True)
class CaptionerConfig:
    """What the configuration of every captioner says; each model adds its own sizes."""

    vocabulary_size: Size
    """Tokens that can be predicted: the classes of the output."""
    start_token: Token
    """Id of the first input."""
    end_token: Token
    """Id that ends a caption."""
    max_length: Annotated[int, Field(ge=1, le=MAX_WORDS)]
    """Most tokens that a caption can have when it is written."""

    @property
    def input_size(self) -> int:
        """Rows of an embedding of all tokens that can be an input."""
        return max(self.vocabulary_size, self.start_token + 1)


EncodedT = TypeVar("EncodedT", bound=Rows)
StateT = TypeVar("StateT", bound=Rows)


class Captioner(nn.Module, ABC, Generic[EncodedT, StateT]):
    """A model of p(c|I) = Π p(w_t | w_<t, I), the end token included.

    Letters in shapes: N images, B captions, T tokens at most, V tokens in the vocabulary.
    """

    Config: ClassVar[type[CaptionerConfig]]
    """The model's own configuration, a frozen dataclass. A field named like a fact of the data (``pooled_channels``,
    ``grid_channels``) is filled in from the features; the others are options of the model and need a default."""
    config: CaptionerConfig
    output: nn.Linear
    """From what ``advance`` gives to a score of each token; their softmax is p of the next token."""

    def __init__(self, config: CaptionerConfig):
        super().__init__()
        self.config = config

    @property
    @abstractmethod
    def uses_grid(self) -> bool:
        """Whether the model looks at the regions of an image or at the pooled vector alone."""

    @property
    @abstractmethod
    def state_size(self) -> int:
        """Numbers in a row of the state, at most: what keeping a prefix of a caption costs."""

    @abstractmethod
    def encode(self, features: ImageFeatures) -> EncodedT:
        """Everything that depends on the images alone, one row an image: N rows."""

    @abstractmethod
    def sequence_log_prob(self, encoded: EncodedT, captions: Tensor, lengths: Tensor, image: Tensor) -> Tensor:
        """ln p(c|I) of each caption, teacher-forced: (B,) float32, the sum over its tokens and the end token.

        ``captions`` is (B, T) int64, of which the first ``lengths`` (B,) tokens count (0 is an empty caption);
        ``image`` (B,) says which row of ``encoded`` each caption is about.
        """

    def forward(self, features: ImageFeatures, captions: Tensor, lengths: Tensor, image: Tensor) -> Tensor:
        """``sequence_log_prob`` straight from the features: what wrappers such as DDP and torch.compile see."""
        return self.sequence_log_prob(self.encode(features), captions, lengths, image)

    @abstractmethod
    def initial_state(self, encoded: EncodedT) -> StateT:
        """The state before the first token, one row an image."""

    @abstractmethod
    def advance(self, encoded: EncodedT, image: Tensor, state: StateT, tokens: Tensor) -> tuple[Tensor, StateT]:
        """One token on: from the previous ``tokens`` (B,) to the input of ``output`` and the state after them.

        ``state`` has B rows, and ``image`` (B,) says which row of ``encoded`` each is about. The first previous token
        is the start token. All rows of a call are equally long prefixes.
        """

    def step(self, encoded: EncodedT, image: Tensor, state: StateT, tokens: Tensor) -> tuple[Tensor, StateT]:
        """``advance``, with ln p of the next token (B, V) instead of what it is computed from."""
        hidden, state = self.advance(encoded, image, state, tokens)
        return torch.log_softmax(self.output(hidden).float(), dim=1), state
