"""Contrastive learning for image captioning (Dai & Lin, NIPS 2017, arXiv 1710.02534), section 4.

G(c, I) = ln p_m(c|I) - ln p_n(c|I) compares the target with the reference, and h = 1 / (1 + ν exp(-G)) is the
posterior that the pair is a matched one. Learning maximises

    J = mean over matched pairs of ln h + mean over mismatched pairs of ln(1 - h)

where ν is the number of mismatched pairs to a matched one within a set. The K sets are balanced, so ν is 1.
"""

from dataclasses import dataclass
from math import log

from torch import Tensor
from torch.nn.functional import logsigmoid


@dataclass(frozen=True)
class Contrast:
    """One evaluation of the objective on P matched pairs and K sets of P mismatched ones."""

    positive: Tensor
    """(P,) G of the matched pairs."""
    negative: Tensor
    """(K, P) G of the mismatched pairs."""
    nu: float

    @property
    def loss(self) -> Tensor:
        """-J, a scalar; 2 ln 2 where target and reference are equal and ν is 1."""
        matched = logsigmoid(self.positive - log(self.nu))
        mismatched = logsigmoid(log(self.nu) - self.negative)
        return -(matched.mean() + mismatched.mean())

    @property
    def told_apart(self) -> Tensor:
        """The share of mismatched pairs that h already takes for mismatched (h < 1/2)."""
        return (self.negative < log(self.nu)).float().mean()


def contrast(target: Tensor, reference: Tensor, nu: float) -> Contrast:
    """Compare ln p of target and reference, (1 + K, P) each: row 0 the matched pairs, the others the K sets."""
    difference = target - reference
    return Contrast(difference[0], difference[1:], nu)


def upper_bound(reference: Tensor, nu: float) -> Tensor:
    """The most that J can reach on matched pairs to which the reference gives ln p ``reference`` (P,).

    p_m is at most 1, so G is at most -ln p_n, and ln h stays below 0 even where every mismatched pair is told apart.
    """
    return logsigmoid(-reference - log(nu)).mean()
