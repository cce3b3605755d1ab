"""Direct preference optimisation (Rafailov et al., NeurIPS 2023, arXiv 2305.18290), equation 7.

The paper's preferred and rejected answers are here the matched caption of an image and a mismatched one:

    L = -mean ln sigmoid(β G(c, I) - β G(c', I))

G is the paper's ln of π_θ / π_ref, with the whole caption's ln p. Our reading: each matched caption makes K pairs, one
with each of its mismatched ones, instead of pairs that people judged.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import logsigmoid

from clcap_cli.objectives.against_reference import Compared


@dataclass(frozen=True)
class DPO:
    """Only the difference counts: both captions may become less likely, as long as the mismatched one does so more."""

    needs_negatives: ClassVar[bool] = True
    beta: float = 0.1

    def loss(self, compared: Compared) -> Tensor:
        """A scalar; ln 2 where target and reference are equal."""
        return -logsigmoid(self.beta * (compared.positive - compared.negative)).mean()

    def least_loss(self, reference: Tensor) -> Tensor:
        """0."""
        return reference.new_zeros(())
