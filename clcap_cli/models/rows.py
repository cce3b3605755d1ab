"""Groups of tensors that share their rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Self, TypeVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """A record of tensors, or of such records, with the same first dimension; indexing picks rows of all of them.

    Subclasses add fields and nothing else.
    """

    def __getitem__(self, rows: "Tensor | slice") -> Self:
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))


RowsT = TypeVar("RowsT", bound=Rows)


def concatenate(parts: Sequence[RowsT]) -> RowsT:
    """The rows of all parts, one after another."""
    columns = zip(*([getattr(part, field.name) for field in fields(part)] for part in parts), strict=True)
    return type(parts[0])(
        *(concatenate(column) if isinstance(column[0], Rows) else torch.cat(column) for column in columns)
    )


@dataclass(frozen=True)
class ImageFeatures(Rows):
    """What a model sees of N images."""

    pooled: Tensor
    """(N, pooled channels) float32."""
    grid: Tensor
    """(N, R, grid channels) float32: the regions, zero where an image has fewer than R; (N, 0, 0) for a model that does
    not look at them."""
    mask: Tensor = field(default=None)  # type: ignore[assignment]
    """(N, R) bool: which regions an image has; all of them unless given."""

    def __post_init__(self) -> None:
        if self.mask is None:
            object.__setattr__(self, "mask", torch.ones(self.grid.shape[:2], dtype=torch.bool, device=self.grid.device))
