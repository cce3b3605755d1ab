"""The second half of contrastive learning's J, an ablation of Dai & Lin 2017 (section 5, table 3).

Nothing says what is right: the loss is smallest where the target finds every caption unlikely.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from clcap_cli.objectives.against_reference import Compared
from clcap_cli.objectives.contrastive import mismatched_loss


@dataclass(frozen=True)
class NegativesOnly:
    """Mismatched pairs down."""

    needs_negatives: ClassVar[bool] = True
    nu: float = 1.0

    def loss(self, compared: Compared) -> Tensor:
        """A scalar; ln 2 where target and reference are equal and ν is 1."""
        return mismatched_loss(compared.negative, self.nu)

    def least_loss(self, reference: Tensor) -> Tensor:
        """0."""
        return reference.new_zeros(())
