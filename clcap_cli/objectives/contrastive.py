"""Contrastive learning for image captioning (Dai & Lin, NIPS 2017, arXiv 1710.02534), section 4.

h = 1 / (1 + ν exp(-G)) is the posterior that a pair is a matched one. Learning maximises

    J = mean over matched pairs of ln h + ν times the mean over mismatched pairs of ln(1 - h)

where ν = T_n / T_m is the number of mismatched pairs to a matched one within a set: the paper's sum over T_n = ν T_m
mismatched pairs, divided by T_m. J is largest where G is the logarithm of the ratio of the two densities, whatever ν
is (Gutmann & Hyvärinen 2012). The K sets are balanced, so ν is 1.
"""

from dataclasses import dataclass
from math import log
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import logsigmoid

from clcap_cli.objectives.against_reference import Compared


@dataclass(frozen=True)
class Contrastive:
    """-J: matched pairs up, mismatched ones down, both relative to the reference."""

    needs_negatives: ClassVar[bool] = True
    nu: float = 1.0

    def loss(self, compared: Compared) -> Tensor:
        """A scalar; 2 ln 2 where target and reference are equal and ν is 1."""
        return matched_loss(compared.positive, self.nu) + mismatched_loss(compared.negative, self.nu)

    def least_loss(self, reference: Tensor) -> Tensor:
        """The paper's bound: ln h stays below 0 even where every mismatched pair is told apart."""
        return matched_loss(-reference, self.nu)


def matched_loss(positive: Tensor, nu: float) -> Tensor:
    """Mean of -ln h over matched pairs of any shape."""
    return -logsigmoid(positive - log(nu)).mean()


def mismatched_loss(negative: Tensor, nu: float) -> Tensor:
    """ν times the mean of -ln(1 - h) over mismatched pairs of any shape."""
    return -nu * logsigmoid(log(nu) - negative).mean()
