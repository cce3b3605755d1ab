"""The first half of contrastive learning's J, an ablation of Dai & Lin 2017 (section 5, table 3).

The reference is constant, so this is maximum likelihood inside a sigmoid: more MLE, with less weight on captions that
the target already finds likelier than the reference does.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from clcap_cli.objectives.against_reference import Compared
from clcap_cli.objectives.contrastive import matched_loss


@dataclass(frozen=True)
class PositivesOnly:
    """Matched pairs up."""

    needs_negatives: ClassVar[bool] = False
    nu: float = 1.0

    def loss(self, compared: Compared) -> Tensor:
        """A scalar; ln 2 where target and reference are equal and ν is 1."""
        return matched_loss(compared.positive, self.nu)

    def least_loss(self, reference: Tensor) -> Tensor:
        """As for contrastive learning."""
        return matched_loss(-reference, self.nu)
