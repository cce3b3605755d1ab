"""The first term of the contrastive objective J, an ablation of Dai & Lin 2017 (section 5, table 3).

The reference is constant, so this is maximum likelihood with weights: captions that the target already finds likelier
than the reference does weigh less.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from clcap_cli.objectives.contrastive import Nu, matched_loss, matched_lower_bound
from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.pair_log_probs import PairLogProbs

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PositivesOnly(PairObjective):
    """First term of contrastive learning: raise ln p of matched pairs."""

    suffix: ClassVar[str] = "positives_only"
    needs_reference: ClassVar[bool] = True
    needs_negatives: ClassVar[bool] = False
    redraws_negatives: ClassVar[bool | None] = None
    nu: Nu = 1.0

    def loss(self, pairs: PairLogProbs) -> "Tensor":
        """A scalar; ln 2 if target and reference are equal and ν is 1."""
        return matched_loss(pairs.log_ratio[0], self.nu)

    def loss_lower_bound(self, pairs: PairLogProbs) -> "Tensor":
        """The bound of contrastive learning."""
        return matched_lower_bound(pairs, self.nu)
