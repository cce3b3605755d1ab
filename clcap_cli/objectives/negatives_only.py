"""The second term of the contrastive objective J, an ablation of Dai & Lin 2017 (section 5, table 3).

The loss has no term for matched captions: it is minimal if the target gives every caption a low probability.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from clcap_cli.objectives.contrastive import Nu, mismatched_loss
from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.pair_log_probs import PairLogProbs

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class NegativesOnly(PairObjective):
    """Second term of contrastive learning: lower ln p of mismatched pairs."""

    suffix: ClassVar[str] = "negatives_only"
    needs_reference: ClassVar[bool] = True
    nu: Nu = 1.0

    def loss(self, pairs: PairLogProbs) -> "Tensor":
        """A scalar; ln 2 if target and reference are equal and ν is 1."""
        return mismatched_loss(pairs.log_ratio[1:], self.nu)
