"""Introspective learning as Dai & Lin 2017 (section 2) have it in mind, after Vedantam et al., CVPR 2017.

The target is its own reference: a caption c of image I must be likelier for I than for another image I_/.

    L = -mean ln sigmoid(ln p(c|I) - ln p(c|I_/))

Our reading: Vedantam et al. compare when they write captions, by ln p(c|I) - (1 - λ) ln p(c|I_/), and do not train; Dai
& Lin give no formula. This is their h with p(c|I_/) in the reference's place. Its second half, (I_/, c) as the
mismatched pair with p(c|I) in the reference's place, is the same expression again. The gradient goes into both terms.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid


def introspective_loss(own: Tensor, other: Tensor) -> Tensor:
    """A scalar, from ln p of P captions with their own images (P,), and with K others each (K, P).

    ln 2 where a caption is as likely for other images as for its own.
    """
    return -logsigmoid(own - other).mean()
