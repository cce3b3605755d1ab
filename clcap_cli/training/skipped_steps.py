"""Steps that are skipped because their loss or gradient is not finite, so that no weight becomes NaN or infinite."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from clcap_cli.compute.collectives import all_reduced
from clcap_cli.compute.divided_model import is_part, own_part
from clcap_cli.console import print_warning
from clcap_cli.errors import ClcapError, NonFiniteError

MAX_IN_A_ROW = 10
"""Number of skipped steps in a row after which training stops."""


class DivergedError(ClcapError):
    """A training run that cannot go on, because its losses, gradients or validations are not finite."""


@dataclass
class SkippedSteps:
    """Numbers of skipped steps."""

    total: Annotated[int, Ge(0)] = 0
    in_a_row: Annotated[int, Ge(0)] = 0
    """Number of skipped steps since the last one that was taken."""

    @contextmanager
    def skipping(self, place: str, advice: str) -> Iterator[None]:
        """Skip the rest of the block, a step at ``place``, and count the step if the block raises NonFiniteError.

        Prints a warning for the first skipped step. Raises DivergedError with ``advice`` after too many in a row.
        """
        try:
            yield
            self.in_a_row = 0
        except NonFiniteError as problem:
            self.total, self.in_a_row = self.total + 1, self.in_a_row + 1
            self._report(f"{place}: {problem}", advice)

    def _report(self, problem: str, advice: str) -> None:
        if self.in_a_row >= MAX_IN_A_ROW:
            raise DivergedError(
                f"{problem}; {self.in_a_row} steps in a row were skipped because their loss or gradient was not "
                f"finite: training diverged; {advice}"
            )
        if self.total == 1:
            print_warning(f"{problem}; steps whose loss or gradient is not finite are skipped")


def diverged_advice(precision: str) -> str:
    """What to try after a training run that diverged in this precision."""
    return f"try a smaller --lr, --clip-norm 1{' or --precision fp32' if precision == 'bf16' else ''}"


def gradient_norm(parameters: Iterable[nn.Parameter]) -> Tensor:
    """Euclidean norm of all gradients together, a scalar; not finite if a gradient or its square is not."""
    gradients = [one.grad for one in parameters if one.grad is not None]
    norm = nn.utils.get_total_norm(map(own_part, gradients))
    return all_reduced(norm.square()).sqrt() if any(map(is_part, gradients)) else norm


def check_finite_step(losses: Sequence[Tensor], norm: Tensor, owner: str = "") -> None:
    """Raise NonFiniteError unless the losses and the norm of the gradient, all scalars, are finite.

    The values are read together, so that a GPU is waited for only once. ``owner`` names the network in the message.
    """
    *found, gradient = torch.stack([*losses, norm]).tolist()
    for loss in found:
        if not math.isfinite(loss):
            raise NonFiniteError(f"the {owner}loss is {loss}")
    if not math.isfinite(gradient):
        raise NonFiniteError(f"the norm of the {owner}gradient is {gradient}")


def check_finite_metrics(metrics: dict[str, float]) -> dict[str, float]:
    """Return the metrics of a validation, or raise NonFiniteError if one of them is not finite."""
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise NonFiniteError(f"{name} is {value}: the training of the model diverged")
    return metrics
