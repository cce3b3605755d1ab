"""Contrastive learning for image captioning (Dai & Lin, NIPS 2017, arXiv 1710.02534), section 4.

G(c, I) = ln p_m(c|I) - ln p_n(c|I) is by how much the target m finds a caption likelier than the reference n does, and
h = 1 / (1 + ν exp(-G)) is the posterior that a pair is a matched one. Learning maximises

    J = mean over matched pairs of ln h + ν times the mean over mismatched pairs of ln(1 - h)

where ν = T_n / T_m is the number of mismatched pairs to a matched one within a set: the paper's sum over T_n = ν T_m
mismatched pairs, divided by T_m. J is largest where G is the logarithm of the ratio of the two densities, whatever ν
is (Gutmann & Hyvärinen 2012). The K sets are balanced, so ν is 1.
"""

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from clcap_cli.objectives.objective import PairObjective
from clcap_cli.objectives.pair_log_probs import PairLogProbs
from clcap_cli.options import Option

if TYPE_CHECKING:
    from torch import Tensor

Nu = Annotated[float, Ge(1e-6), Le(1e6), Option("ν, ratio of mismatched to matched pairs that the loss assumes")]


@dataclass(frozen=True)
class Contrastive(PairObjective):
    """Matched pairs up, mismatched ones down, both relative to the reference."""

    suffix: ClassVar[str] = "cl"
    needs_reference: ClassVar[bool] = True
    nu: Nu = 1.0

    def loss(self, pairs: PairLogProbs) -> "Tensor":
        """-J, a scalar; 2 ln 2 where target and reference are equal and ν is 1."""
        return matched_loss(pairs.log_ratio[0], self.nu) + mismatched_loss(pairs.log_ratio[1:], self.nu)

    def loss_lower_bound(self, pairs: PairLogProbs) -> "Tensor":
        """The paper's bound: p_m is at most 1, so that ln h stays below 0 whatever becomes of mismatched pairs."""
        return matched_lower_bound(pairs, self.nu)


def matched_loss(log_ratio: "Tensor", nu: float) -> "Tensor":
    """Mean of -ln h over matched pairs of any shape."""
    from torch.nn.functional import logsigmoid

    return -logsigmoid(log_ratio - log(nu)).mean()


def mismatched_loss(log_ratio: "Tensor", nu: float) -> "Tensor":
    """ν times the mean of -ln(1 - h) over mismatched pairs of any shape."""
    from torch.nn.functional import logsigmoid

    return -nu * logsigmoid(log(nu) - log_ratio).mean()


def matched_lower_bound(pairs: PairLogProbs, nu: float) -> "Tensor":
    """``matched_loss`` of a target that gives every matched caption the probability 1."""
    assert pairs.reference is not None
    return matched_loss(-pairs.reference[0], nu)
