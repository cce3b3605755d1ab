"""By which metric of the validation split the best checkpoint is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from clcap_cli.training.settings import SelectBy


@dataclass(frozen=True)
class Criterion:
    """A validation metric and which way is better."""

    metric: str
    """Its name in the log."""
    better: Literal[1, -1]
    """1 where higher is better, -1 where lower is."""

    def prefers(self, metrics: Mapping[str, float], others: Mapping[str, float]) -> bool:
        """Whether ``metrics`` are better than ``others``; of equal ones neither is."""
        return self.better * (metrics[self.metric] - others[self.metric]) > 0


CRITERIA: dict[SelectBy, Criterion] = {
    "loss": Criterion("val_loss", -1),
    "mean-rank": Criterion("val_mean_rank", -1),
    "cider": Criterion("val_CIDEr", 1),
}
