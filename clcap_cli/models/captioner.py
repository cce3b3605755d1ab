"""The captioner interface: everything that training, decoding and retrieval ask of a model p(c|I)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Generic, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn

from clcap_cli.datasets.text import LONGEST
from clcap_cli.models.rows import ImageFeatures, Rows

Size = Annotated[int, Field(ge=1, le=2**24)]
"""Of a file's network; beyond these a product of sizes could be no number any more."""


@dataclass(frozen=True)
class CaptionerConfig:
    """The sizes of a captioner."""

    vocabulary_size: Size
    """Words, END and UNK: the classes of the output."""
    max_length: Annotated[int, Field(ge=1, le=LONGEST)]
    """Words that a caption may have."""
    pooled_channels: Size
    grid_channels: Size
    embedding_size: Size = 512
    hidden_size: Size = 512
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    image_relu: bool = True
    """Whether NeuralTalk2's projected image goes through a ReLU, which it did not before checkpoints of version 2."""


VisualT = TypeVar("VisualT", bound=Rows)
StateT = TypeVar("StateT", bound=Rows)


class Captioner(nn.Module, ABC, Generic[VisualT, StateT]):
    """A model of p(c|I) = Π p(w_t | w_<t, I), END included.

    Letters in shapes: N images, B captions, T words at most, V words in the vocabulary.
    """

    uses_grid: ClassVar[bool]
    """Whether the model looks at the grid of regions or at the pooled vector alone."""
    output: nn.Linear
    """From what ``advance`` gives to a score of each word; their softmax is p of the next word."""

    def __init__(self, config: CaptionerConfig):
        super().__init__()
        self.config = config

    @abstractmethod
    def encode(self, features: ImageFeatures) -> VisualT:
        """Everything that depends on the images alone, one row an image: N rows."""

    @abstractmethod
    def sequence_log_prob(self, visual: VisualT, captions: Tensor, lengths: Tensor, image: Tensor) -> Tensor:
        """ln p(c|I) of each caption, teacher-forced: (B,) float32, the sum over its words and END.

        ``captions`` is (B, T) int64, of which the first ``lengths`` (B,) words count (0 is an empty caption);
        ``image`` (B,) says which row of ``visual`` each caption is about.
        """

    @abstractmethod
    def start(self, visual: VisualT) -> StateT:
        """The state before the first word, one row an image."""

    @abstractmethod
    def advance(self, visual: VisualT, image: Tensor, state: StateT, tokens: Tensor) -> tuple[Tensor, StateT]:
        """One word on: from the previous word ``tokens`` (B,) to the input of ``output`` and the state after it.

        ``state`` has B rows, and ``image`` (B,) says which row of ``visual`` each is about. The first previous word is
        START.
        """

    def step(self, visual: VisualT, image: Tensor, state: StateT, tokens: Tensor) -> tuple[Tensor, StateT]:
        """``advance``, with ln p of the next word (B, V) instead of what it is computed from."""
        hidden, state = self.advance(visual, image, state, tokens)
        return torch.log_softmax(self.output(hidden).float(), dim=1), state

    @property
    def start_token(self) -> int:
        """The number of START, which is an input and never an output."""
        return self.config.vocabulary_size
