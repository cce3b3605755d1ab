"""The validation metric that selects the best checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from clcap_cli.training.settings import SelectBy


@dataclass(frozen=True)
class Criterion:
    """A validation metric and its direction."""

    metric: str
    """Name in the log."""
    better: Literal[1, -1]
    """1 if higher is better, -1 if lower is better."""
    label: str
    """Name in messages."""
    digits: int
    """Number of decimal places in messages."""

    @property
    def wanted(self) -> str:
        """Description of an improvement, such as "lower mean rank"."""
        return f"{'higher' if self.better > 0 else 'lower'} {self.label}"

    def described(self, metrics: Mapping[str, float]) -> str:
        """Name and value of the metric."""
        return f"{self.label} {metrics[self.metric]:.{self.digits}f}"

    def prefers(self, metrics: Mapping[str, float], others: Mapping[str, float]) -> bool:
        """Whether ``metrics`` is better than ``others``; False if equal."""
        return self.better * (metrics[self.metric] - others[self.metric]) > 0


CRITERIA: dict[SelectBy, Criterion] = {
    "loss": Criterion("val_loss", -1, "validation loss", 4),
    "mean-rank": Criterion("val_mean_rank", -1, "mean rank", 2),
    "cider": Criterion("val_CIDEr", 1, "CIDEr", 4),
}
