"""Introspective learning as Dai & Lin 2017 (section 2) have it in mind, after Vedantam et al., CVPR 2017.

The target is its own reference: a caption c of image I must be likelier for I than for another image I_/.

    L = -mean ln sigmoid(ln p(c|I) - ln p(c|I_/))

Our reading: Vedantam et al. compare when they write captions, by ln p(c|I) - (1 - λ) ln p(c|I_/), and do not train; Dai
& Lin give no formula. This is their h with p(c|I_/) in the reference's place. Its second half, (I_/, c) as the
mismatched pair with p(c|I) in the reference's place, is the same expression again. The gradient goes into both terms.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from clcap_cli.objectives.objective import Objective

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Introspective(Objective):
    """A caption likelier for its own image than for others."""

    suffix: ClassVar[str] = "il"
    task: ClassVar[str] = "clcap_cli.training.introspective_task:IntrospectiveTask"
    redraws_negatives: ClassVar[bool | None] = False

    def loss(self, own: "Tensor", other: "Tensor") -> "Tensor":
        """A scalar, from ln p of P captions with their own images (P,), and with K others each (K, P).

        ln 2 where a caption is as likely for other images as for its own.
        """
        from torch.nn.functional import logsigmoid

        return -logsigmoid(own - other).mean()
