"""The distinct prefixes of captions, so that what captions of the same image have in common is computed once.

The captions that an image is paired with often begin with the same tokens. A model's state after such a prefix is the
same for all of them. All prefixes of a batch form one dimension, ordered by length, without padding.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from clcap_cli.models.token_log_prob import token_log_prob

PADDING = -1
RecordT = TypeVar("RecordT", bound=Any)


@dataclass(frozen=True)
class Levels:
    """W prefixes, the shortest first, and the prefix that each of them extends by one token."""

    sizes: list[int]
    """Number of prefixes of each length."""
    parent: Tensor
    """(W,) row of the prefix that each one extends; for prefixes of one token, the image."""

    def __iter__(self) -> Iterator[tuple[slice, Tensor]]:
        """The rows of each length, and the parents of these rows."""
        ends = torch.tensor(self.sizes).cumsum(0).tolist()
        rows = [slice(end - size, end) for size, end in zip(self.sizes, ends, strict=True)]
        return zip(rows, self.parent.split(self.sizes), strict=True)

    def states_before(self, initial: Tensor, after: Tensor) -> Tensor:
        """States (W, H) before the last token of each prefix, from those after it and those of the images (N, H)."""
        first = self.sizes[0]
        return torch.cat([initial.index_select(0, self.parent[:first]), after.index_select(0, self.parent[first:])])


@dataclass(frozen=True)
class Prefixes:
    """The W distinct prefixes of B sequences of at most S tokens, a sequence itself included."""

    tokens: Tensor
    """(W,) the last token of each prefix."""
    image: Tensor
    """(W,) the image of the sequences with this prefix."""
    levels: Levels
    sequences: Tensor
    """(U, S) the U distinct sequences, followed by PADDING."""
    at_step: Tensor
    """(U, S) the prefix that ends at each step of these sequences; the last one at steps that are padding."""
    first_place: Tensor
    """(W,) the first place of each prefix in the flattened table ``at_step``."""
    distinct: Tensor
    """(B,) the distinct sequence that each sequence is."""

    @property
    def is_step(self) -> Tensor:
        """(U, S) bool: False for padding."""
        return self.sequences != PADDING

    @property
    def time_step(self) -> Tensor:
        """(W,) the step at which each prefix ends, from 0."""
        sizes = torch.tensor(self.levels.sizes, device=self.tokens.device)
        return torch.arange(len(sizes), device=sizes.device).repeat_interleave(sizes)

    def values_by_step(self, values: Tensor) -> Tensor:
        """(B, S, …) values of all steps, from the values (W, …) of the prefixes; 0 at steps that are padding."""
        is_step = self.is_step[self.distinct]
        padded = values.new_zeros(*is_step.shape, *values.shape[1:])
        padded[is_step] = values[self.at_step[self.distinct][is_step]]
        return padded


@dataclass(frozen=True)
class NextTokens:
    """The E distinct predictions of captions: a prefix and the token that follows it."""

    prefixes: Prefixes
    """Prefixes of the tokens before a caption followed by the caption."""
    targets: Tensor
    """(E,) the token to predict."""
    prefix: Tensor
    """(E,) the prefix that it follows, in ascending order."""
    at_step: Tensor
    """(U, S) the prediction at each step of the distinct sequences; any other one at steps that predict nothing."""
    is_prediction: Tensor
    """(U, S) bool: False for padding and for steps within the tokens before a caption."""

    def log_prob(self, hidden: Tensor, output: nn.Linear) -> Tensor:
        """ln p of each caption (B,), from the inputs (W, H) of the ``output`` layer."""
        log_probs = token_log_prob(hidden, output, self.targets, self.prefix)
        at_step = log_probs.index_select(0, self.at_step.flatten()).view(self.at_step.shape)
        return at_step.where(self.is_prediction, 0).sum(1).index_select(0, self.prefixes.distinct)


def distinct_prefixes(sequences: Tensor, counts: Tensor, image_index: Tensor, shared: bool = True) -> Prefixes:
    """The distinct prefixes of the first ``counts`` (B,) tokens, at least one, of ``sequences`` (B, S).

    ``image_index`` (B,) is the image of each sequence. Unless ``shared``, no two sequences share a prefix.
    """
    is_padding = torch.arange(sequences.shape[1], device=sequences.device) >= counts.unsqueeze(1)
    owner = image_index if shared else torch.arange(len(sequences), device=sequences.device)
    table = torch.cat([owner.unsqueeze(1), sequences.masked_fill(is_padding, PADDING)], dim=1)
    rows, distinct = table.unique(dim=0, return_inverse=True)
    owner, sequences = rows[:, 0], rows[:, 1:]
    image = owner if shared else image_index[owner]
    # Rows are sorted, so a prefix is new where it differs from that of the row before.
    is_new = torch.ones_like(rows, dtype=torch.bool)
    is_new[1:] = (rows[1:] != rows[:-1]).cumsum(1) > 0
    is_step = sequences != PADDING
    is_new = is_new[:, 1:] & is_step
    at_step = _numbered(is_new, is_step)
    step, row = is_new.T.nonzero().unbind(1)
    parent = torch.where(step == 0, image[row], at_step[row, step - 1])
    sizes = [size for size in is_new.sum(0).tolist() if size]
    first_place = row * sequences.shape[1] + step
    return Prefixes(sequences[row, step], image[row], Levels(sizes, parent), sequences, at_step, first_place, distinct)


def next_tokens(prefixes: Prefixes, end: int, first: int = 0) -> NextTokens:
    """The predictions of the token after each prefix of the sequences; ``end`` follows the sequences themselves.

    The first ``first`` steps, which belong to a prompt, predict nothing.
    """
    following = pad(prefixes.sequences, (0, 1), value=PADDING)[:, 1:]
    is_prediction = prefixes.is_step.clone()
    is_prediction[:, :first] = False
    is_new = torch.ones_like(following, dtype=torch.bool)
    is_new[1:] = (following[1:] != following[:-1]) | (prefixes.at_step[1:] != prefixes.at_step[:-1])
    is_new &= is_prediction
    step, row = is_new.T.nonzero().unbind(1)
    targets = following[row, step]
    targets = targets.masked_fill(targets == PADDING, end)
    at_step = _numbered(is_new, prefixes.is_step).clamp(min=0)
    return NextTokens(prefixes, targets, prefixes.at_step[row, step], at_step, is_prediction)


def _numbered(is_new: Tensor, is_step: Tensor) -> Tensor:
    """(U, S) number of the latest True in the column, where all True are numbered column by column.

    Steps that are padding have the number of the last step.
    """
    number = (is_new.T.flatten().cumsum(0) - 1).view(is_new.shape[1], -1).T
    return number.where(is_step, number.gather(1, is_step.sum(1, keepdim=True) - 1))


def on_device(record: RecordT, device: torch.device) -> RecordT:
    """A copy of ``NextTokens``, or of a record in it, on another device."""
    parts = (getattr(record, field.name) for field in fields(record))
    return type(record)(
        *(on_device(p, device) if is_dataclass(p) else p.to(device) if isinstance(p, Tensor) else p for p in parts)
    )


def compute_per_token(tokens: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
    """``compute(tokens)``, computed once for each distinct token of ``tokens`` (W,)."""
    distinct, index = tokens.unique(return_inverse=True)
    return compute(distinct).index_select(0, index)
