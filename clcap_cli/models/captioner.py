"""The captioner interface: what training, decoding and retrieval need from a model of p(c|I)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Generic, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn

from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.models.prefixes import NextTokens, distinct_prefixes, next_tokens, on_device
from clcap_cli.models.rows import ImageFeatures, Rows

DropoutRate = Annotated[float, Field(ge=0, lt=1)]
Size = Annotated[int, Field(ge=1, le=2**24)]
"""Size of a layer. The upper limit keeps products of sizes from overflowing when a damaged file is read."""
Token = Annotated[int, Field(ge=0, le=2**24)]

MAX_ENCODED_ELEMENTS = 2**28
"""Maximum number of elements of the encodings of a block of images: 1 GiB."""


@dataclass(frozen=True)
class CaptionerConfig:
    """Configuration that all captioners share; each model adds its own fields."""

    vocabulary_size: Size
    """Number of tokens that can be predicted, the classes of the output."""
    start_token: Token
    """Id of the token that is the first input."""
    end_token: Token
    """Id of the token that ends a caption."""
    max_length: Annotated[int, Field(ge=1, le=MAX_WORDS)]
    """Maximum number of tokens of a generated caption."""

    @property
    def input_size(self) -> int:
        """Number of rows of the embedding table of input tokens."""
        return max(self.vocabulary_size, self.start_token + 1)


EncodedT = TypeVar("EncodedT", bound=Rows)
StateT = TypeVar("StateT", bound=Rows)


class Captioner(nn.Module, ABC, Generic[EncodedT, StateT]):
    """A model of p(c|I) = Π p(w_t | w_<t, I), the end token included.

    Letters in shapes: N images, B captions, T tokens at most, V tokens in the vocabulary.
    """

    Config: ClassVar[type[CaptionerConfig]]
    """The model's configuration class, a frozen dataclass. ``pooled_channels`` and ``grid_channels`` are filled in from
    the features; all other fields that it adds are options of the model and need a default."""
    config: CaptionerConfig
    output: nn.Linear
    """Linear layer from the hidden state that ``advance`` returns to the logits of the next token."""

    def __init__(self, config: CaptionerConfig):
        super().__init__()
        self.config = config

    @property
    @abstractmethod
    def uses_grid(self) -> bool:
        """Whether the model uses an image's regions (a grid or imported ones); if not, only its pooled vector."""

    @property
    @abstractmethod
    def state_size(self) -> int:
        """Maximum number of elements of one row of the state, for estimates of memory."""

    @property
    def encoded_size(self) -> int:
        """Number of elements of one encoded image, for estimates of memory; 0 if it is not worth counting."""
        return 0

    def images_at_once(self, limit: int) -> int:
        """Number of images, at most ``limit``, whose encodings fit in memory together."""
        return max(1, min(limit, MAX_ENCODED_ELEMENTS // max(1, self.encoded_size)))

    @property
    def prompt(self) -> tuple[int, ...]:
        """Tokens before the start token that are the same for every caption; most models have none."""
        return ()

    @abstractmethod
    def encode(self, features: ImageFeatures) -> EncodedT:
        """Compute everything that depends only on the images: N rows, one per image."""

    @abstractmethod
    def sequence_log_prob(self, encoded: EncodedT, captions: Tensor, lengths: Tensor, image_index: Tensor) -> Tensor:
        """ln p(c|I) of each caption, (B,) float32: the sum over its tokens and the end token, with teacher forcing.

        ``captions`` is (B, T) int64; only the first ``lengths`` (B,) tokens of each row count, and length 0 is an empty
        caption. ``image_index`` (B,) is the row of ``encoded`` for each caption.
        """

    def next_tokens(self, captions: Tensor, lengths: Tensor, image_index: Tensor) -> NextTokens:
        """The distinct predictions whose ln p add up to that of captions; arguments as in ``sequence_log_prob``.

        Computed on the CPU, because the many small operations would each wait for a GPU.
        """
        device = captions.device
        captions, lengths, image_index = captions.cpu(), lengths.cpu(), image_index.cpu()
        before = torch.tensor([*self.prompt, self.config.start_token]).expand(len(captions), -1)
        # Masks shared by the captions of an image would be faster, but were found to learn slightly worse.
        shared = not self._drops_out()
        counts = lengths + before.shape[1]
        prefixes = distinct_prefixes(torch.cat([before, captions], dim=1), counts, image_index, shared)
        return on_device(next_tokens(prefixes, self.config.end_token, first=len(self.prompt)), device)

    def _drops_out(self) -> bool:
        """Whether dropout makes the computation of the same prefix differ from caption to caption."""
        return self.training and any(isinstance(module, nn.Dropout) and module.p for module in self.modules())

    def forward(self, features: ImageFeatures, captions: Tensor, lengths: Tensor, image_index: Tensor) -> Tensor:
        """``sequence_log_prob`` from features, so that wrappers such as DDP and torch.compile apply to training."""
        return self.sequence_log_prob(self.encode(features), captions, lengths, image_index)

    @abstractmethod
    def initial_state(self, encoded: EncodedT) -> StateT:
        """The state before the first token: N rows, one per image."""

    @abstractmethod
    def advance(self, encoded: EncodedT, image_index: Tensor, state: StateT, tokens: Tensor) -> tuple[Tensor, StateT]:
        """Process one token of each of B prefixes; returns the input of ``output`` and the new state.

        ``tokens`` (B,) are the previous tokens, at first the start token. ``state`` has B rows, and ``image_index``
        (B,) is the row of ``encoded`` for each. All prefixes in a call have the same length.
        """

    def step(self, encoded: EncodedT, image_index: Tensor, state: StateT, tokens: Tensor) -> tuple[Tensor, StateT]:
        """Like ``advance``, but returns ln p of the next token (B, V) instead of the input of ``output``."""
        hidden, state = self.advance(encoded, image_index, state, tokens)
        return torch.log_softmax(self.output(hidden).float(), dim=1), state
