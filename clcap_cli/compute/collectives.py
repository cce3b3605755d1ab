"""Operations in which all processes of a stage take part: each of them has to call them in the same order.

With one process they return what they are given.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from clcap_cli.compute.processes import processes
from clcap_cli.errors import ClcapError

T = TypeVar("T")
LARGE_BYTES = 2**20
"""Size from which a gradient is summed alone; smaller ones are joined, because each sum waits for all processes."""


class LostProcessError(ClcapError):
    """Another process of this run has ended, so this one cannot go on."""


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace the gradients by their sums over all processes, which have gradients of the same parameters."""
    if processes().count == 1:
        return
    alone: list[Tensor] = []
    joined: list[Tensor] = []
    for gradient in (parameter.grad for parameter in parameters if parameter.grad is not None):
        (alone if gradient.nbytes >= LARGE_BYTES and gradient.is_contiguous() else joined).append(gradient)
    together = torch.cat([one.reshape(-1) for one in joined]) if joined else torch.empty(0)
    # All are started before one is waited for, so that their sums overlap.
    for work in [_collective(dist.all_reduce, one, async_op=True) for one in (*alone, together)]:
        _collective(work.wait)
    for one, part in zip(joined, together.split([one.numel() for one in joined]), strict=True):
        one.copy_(part.view_as(one))


def summed(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Sums over all processes of scalars, which have the same names in each."""
    if processes().count == 1:
        return dict(values)
    names = sorted(values)
    together = torch.stack([values[name].detach().float() for name in names])
    return dict(zip(names, all_reduced(together).unbind(), strict=True))


def all_reduced(values: Tensor) -> Tensor:
    """The sum of ``values`` over all processes, in place."""
    if processes().count == 1:
        return values
    _collective(dist.all_reduce, values)
    return values


def gathered(rows: Tensor) -> Tensor:
    """The rows of all processes, those of the first process first; their numbers may differ."""
    if processes().count == 1:
        return rows
    lengths = torch.zeros(processes().count, dtype=torch.int64, device=rows.device)
    lengths[processes().rank] = len(rows)
    counts = all_reduced(lengths).tolist()
    padded = rows.new_zeros(max(counts), *rows.shape[1:])
    padded[: len(rows)] = rows
    parts = [torch.empty_like(padded) for _ in counts]
    _collective(dist.all_gather, parts, padded.contiguous())
    return torch.cat([part[:length] for part, length in zip(parts, counts, strict=True)])


def computed_together(items: Sequence[T], compute: Callable[[Sequence[T]], Sequence[Tensor]]) -> tuple[Tensor, ...]:
    """Tensors with rows for ``items`` in their order; each process computes those of its own share of the items."""
    own = processes().share(items)
    tensors = compute(own if len(own) else items[:1])  # more processes than items: the shape and type of their rows
    return tuple(gathered(one if len(own) else one[:0]) for one in tensors)


def in_any(condition: bool) -> bool:
    """Whether the condition holds in any of the processes."""
    if processes().count == 1:
        return condition
    return bool(all_reduced(torch.tensor(int(condition))))


def wait_for_all() -> None:
    """Wait until all processes have come here."""
    in_any(False)


def from_all(value: Any) -> list[Any]:
    """The values of all processes, of JSON's types."""
    if processes().count == 1:
        return [value]
    content = torch.from_numpy(np.frombuffer(json.dumps(value).encode(), dtype=np.uint8).copy())
    ends = gathered(torch.tensor([len(content)])).cumsum(0).tolist()
    every = gathered(content).numpy().tobytes()
    return [json.loads(every[first:end]) for first, end in pairwise([0, *ends])]


def of_first(value: T) -> T:
    """The value of the first process, of JSON's types."""
    return from_all(value)[0]


@contextmanager
def naming_lost_processes() -> Iterator[None]:
    """Raise LostProcessError for what PyTorch's own collectives in the block raise if another process has ended."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistBackendError) and "gloo" not in str(error):
            raise
        raise _lost_process() from error


def _collective(operation: Any, *arguments: Any, **options: Any) -> Any:
    """Call an operation in which all processes take part; raises LostProcessError if one of them has ended."""
    try:
        return operation(*arguments, **options)
    except RuntimeError as error:
        raise _lost_process() from error


def _lost_process() -> LostProcessError:
    return LostProcessError("another process of this run has ended, so this one cannot go on")
