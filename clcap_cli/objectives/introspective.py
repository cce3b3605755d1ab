"""Introspective learning as proposed by Dai & Lin 2017 (section 2), after Vedantam et al., CVPR 2017.

The target is its own reference: a caption c of image I should be likelier for I than for another image I'.

    L = -mean ln sigmoid(ln p(c|I) - ln p(c|I'))

Our reading: Vedantam et al. compare images only during decoding, by ln p(c|I) - (1 - λ) ln p(c|I'), and Dai & Lin give
no formula. This loss is -ln h of Dai & Lin with p(c|I') in place of the reference. Their second term, for the
mismatched pair (I', c) with p(c|I) in place of the reference, equals the first. Gradients flow through both
log-probabilities.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from clcap_cli.objectives.objective import MleWeight, Objective

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Introspective(Objective):
    """Make each caption more likely for its own image than for other images; no reference."""

    suffix: ClassVar[str] = "il"
    task: ClassVar[str] = "clcap_cli.training.introspective_task:IntrospectiveTask"
    redraws_negatives: ClassVar[bool | None] = False
    mle_weight: MleWeight = 0.0

    def loss(self, matched: "Tensor", mismatched: "Tensor") -> "Tensor":
        """A scalar, from ln p of P captions for their own images (P,) and for K other images each (K, P).

        ln 2 if each caption is as likely for the other images as for its own.
        """
        from torch.nn.functional import logsigmoid

        return -logsigmoid(matched - mismatched).mean()
