"""The second half of contrastive learning's J, an ablation of Dai & Lin 2017 (section 5, table 3).

Nothing says what is right: the loss is smallest where the target finds every caption unlikely.
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
    """Contrastive learning's second half: mismatched pairs down."""

    suffix: ClassVar[str] = "negatives_only"
    needs_reference: ClassVar[bool] = True
    nu: Nu = 1.0

    def loss(self, pairs: PairLogProbs) -> "Tensor":
        """A scalar; ln 2 where target and reference are equal and ν is 1."""
        return mismatched_loss(pairs.log_ratio[1:], self.nu)
