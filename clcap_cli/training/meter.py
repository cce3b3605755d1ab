"""Means of metrics over the steps between two validations."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def weighted_sums(parts: Sequence[tuple[Mapping[str, Tensor], float]]) -> dict[str, Tensor]:
    """The metrics of a step, from those of its micro-batches, each weighted by its share of the batch."""
    return {name: torch.stack([metrics[name] * share for metrics, share in parts]).sum() for name in parts[0][0]}


class Meter:
    """Means over all steps since the last validation, and the time that they took."""

    def __init__(self, steps: int = 0, sums: Mapping[str, float] | None = None):
        """Start from the ``sums`` over ``steps`` earlier steps; the clock starts now."""
        self.steps = steps
        self.sums: dict[str, Tensor | float] = defaultdict(float, sums or {})
        self.started = time.monotonic()
        self.waited = 0.0
        """Seconds spent waiting for data."""

    @property
    def seconds(self) -> float:
        """Seconds since the meter was created."""
        return time.monotonic() - self.started

    def add_step(self, metrics: Mapping[str, Tensor]) -> None:
        """Add the metrics of a step."""
        self.steps += 1
        for name, value in metrics.items():
            self.sums[name] += value

    def totals(self) -> dict[str, float]:
        """The sums as floats."""
        return {name: float(value) for name, value in self.sums.items()}

    def means(self) -> dict[str, float]:
        """Mean of each metric over the steps, and the share of the time that was spent waiting for data.

        There are no means if there was no step.
        """
        means = {name: value / self.steps for name, value in self.totals().items()}
        return {**means, "data_wait_share": self.waited / self.seconds}
