"""Means of metrics over the steps between two validations."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from torch import Tensor


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

    def add_step(self, parts: Sequence[tuple[Mapping[str, Tensor], float]]) -> None:
        """Add the metrics of the micro-batches of a step, each weighted by its share of the batch."""
        self.steps += 1
        for metrics, share in parts:
            for name, value in metrics.items():
                self.sums[name] += value * share

    def totals(self) -> dict[str, float]:
        """The sums as floats."""
        return {name: float(value) for name, value in self.sums.items()}

    def means(self) -> dict[str, float]:
        """Mean of each metric over the steps, and the share of the time that was spent waiting for data.

        There are no means if there was no step.
        """
        means = {name: value / self.steps for name, value in self.totals().items()}
        return {**means, "data_wait_share": self.waited / self.seconds}
